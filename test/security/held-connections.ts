import { readdir, readFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";

/** How a client holds a connection: what it sends, and what it does afterwards. */
interface Habit {
  readonly does: string;
  readonly sends: string;
  readonly next: "reads" | "reads nothing" | "resets";
}

const get = (path: string, rest = "") => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n${rest}`;
const upgrade = get(
  "/ws",
  "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
);

export const habits: readonly Habit[] = [
  { does: "sends what is not HTTP", sends: "nonsense\r\n\r\n", next: "reads" },
  { does: "never finishes its headers", sends: get("/health/live", "X-Slow: "), next: "reads" },
  {
    does: "never sends the declared body",
    sends:
      "POST /sessions/create HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n{",
    next: "reads",
  },
  { does: "sends requests without reading", sends: get("/sdk.js", "\r\n").repeat(200), next: "reads nothing" },
  { does: "resets during the upgrade", sends: `${upgrade}\r\n`, next: "resets" },
  { does: "never finishes the headers of its upgrade", sends: upgrade, next: "reads nothing" },
];

/** Clients that keep their half of a connection open whatever the server does, until `close`. */
export class HeldConnections {
  readonly #sockets: Socket[] = [];

  /** Opens connections with one behavior. Resolves when each is connected and has sent. */
  async hold(url: string, { sends, next }: Habit, count: number): Promise<void> {
    const { hostname, port } = new URL(url);
    const open = () =>
      new Promise<void>((resolve) => {
        const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
        this.#sockets.push(socket);
        socket.on("error", () => resolve()); // refused, or ended while it wrote
        socket.on("connect", () =>
          socket.write(sends, () => {
            if (next === "resets") socket.resetAndDestroy();
            else if (next === "reads") socket.resume();
            resolve();
          }),
        );
        if (next !== "reads") socket.pause();
        setTimeout(resolve, 2_000).unref(); // who is not read writes no more
      });
    await Promise.all(Array.from({ length: count }, open));
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}

/** Open file descriptors and resident memory (MB) of a process. Needs /proc. */
export async function holdings(pid: number): Promise<{ readonly descriptors: number; readonly mb: number }> {
  const [open, status] = await Promise.all([readdir(`/proc/${pid}/fd`), readFile(`/proc/${pid}/status`, "utf8")]);
  return { descriptors: open.length, mb: Math.round(Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0) / 1024) };
}
