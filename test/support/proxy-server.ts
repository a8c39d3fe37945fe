import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";

/** A proxy in front of one address; what it does with connections is a subclass's matter. */
export abstract class ProxyServer {
  readonly #server: Server;
  protected readonly target: URL;
  /** Of both sides; one may stay open after the other has closed. */
  protected readonly sockets = new Set<Socket>();

  /** @param target an address of http or redis */
  protected constructor(target: string) {
    this.target = new URL(target);
    this.#server = createServer((near) => this.take(near));
  }

  protected abstract take(near: Socket): void;

  protected async listen(port = 0): Promise<this> {
    this.#server.listen(port, "127.0.0.1");
    await once(this.#server, "listening");
    return this;
  }

  /** The target's address, by way of this proxy. */
  get url(): string {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("the proxy does not listen");
    return `${this.target.protocol}//127.0.0.1:${address.port}`;
  }

  async close(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }
}
