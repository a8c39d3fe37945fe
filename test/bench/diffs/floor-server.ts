// The floor of the benchmark of diffs: a bare server of the venue's library, which sends prepared texts at given times. Says its port over IPC, gets what to
// send, and says when it begins.
import { once } from "node:events";
import { type WebSocket, WebSocketServer } from "ws";

/** A message to a socket: `atMs` after the beginning. */
export interface Sending {
  readonly seat: number;
  readonly atMs: number;
  readonly length: number;
}

const server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: false });
const sockets = new Map<number, WebSocket>();
server.on("connection", (socket, { url = "" }) => sockets.set(Number(url.slice(1)), socket));
await once(server, "listening");
const address = server.address();
process.send?.(typeof address === "object" ? address?.port : undefined);
process.on("disconnect", () => process.exit());
process.on("message", (sent: Sending[]) => {
  const text = "x".repeat(sent.reduce((longest, { length }) => Math.max(longest, length), 0));
  const began = performance.now();
  let next = 0;
  const wakeUp = () => {
    const atMs = performance.now() - began;
    for (; ; next++) {
      const sending = sent[next];
      if (sending === undefined) return;
      if (sending.atMs > atMs) break;
      sockets.get(sending.seat)?.send(text.slice(0, sending.length));
    }
    setTimeout(wakeUp, (sent[next]?.atMs ?? 0) - atMs);
  };
  wakeUp();
  process.send?.("begun");
});
