import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";

/** A proxy with a fixed address and a target that can change, like a DNS name. */
export class RetargetableProxy {
  readonly port: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  /** @param target returns the port for each new connection */
  static async to(target: () => number): Promise<RetargetableProxy> {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("the proxy has no port");
    return new RetargetableProxy(server, address.port, target);
  }

  private constructor(server: Server, port: number, target: () => number) {
    this.port = port;
    this.#server = server;
    server.on("connection", (near) => {
      const far = connect(target(), "127.0.0.1");
      for (const socket of [near, far]) {
        this.#sockets.add(socket);
        socket.on("error", () => {}); // a close follows
        socket.on("close", () => {
          this.#sockets.delete(socket);
          near.destroy();
          far.destroy();
        });
      }
      near.pipe(far).pipe(near);
    });
  }

  /** Breaks all connections at once; new ones are accepted. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.cut();
    await closed;
  }
}
