import { readdir, readFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";

/** How a client takes a connection and gives nothing for it: what it sends, and what it does then. */
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
  { does: "never ends its head", sends: get("/health/live", "X-Slow: "), next: "reads" },
  {
    does: "never sends the body that it announced",
    sends:
      "POST /sessions/create HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n{",
    next: "reads",
  },
  { does: "asks on and on and reads nothing", sends: get("/sdk.js", "\r\n").repeat(200), next: "reads nothing" },
  { does: "resets while it is upgraded", sends: `${upgrade}\r\n`, next: "resets" },
  { does: "never ends the head of its upgrade", sends: upgrade, next: "reads nothing" },
];

/** Clients that keep their half of a connection open whatever comes. They hold it until `leave`. */
export class Clinging {
  readonly #sockets: Socket[] = [];

  /** Opens so many connections of a habit. @returns when each is connected and has sent */
  async cling(url: string, { sends, next }: Habit, count: number): Promise<void> {
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

  leave(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}

/** What a process holds: open descriptors, and resident memory in MB. Needs /proc. */
export async function holdings(pid: number): Promise<{ readonly descriptors: number; readonly mb: number }> {
  const [open, status] = await Promise.all([readdir(`/proc/${pid}/fd`), readFile(`/proc/${pid}/status`, "utf8")]);
  return { descriptors: open.length, mb: Math.round(Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0) / 1024) };
}
