import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";

/** A proxy that can go silent: it keeps connections open and accepts new ones, but forwards nothing. */
export class SilentProxy {
  readonly #server: Server;
  readonly #target: URL;
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  /** Of both sides; one may stay open after the other has closed, since the proxy does not forward it. */
  readonly #sockets = new Set<Socket>();
  #silent = false;
  /** Bytes that the target has sent through it. */
  received = 0;

  /** @param target an address of http or redis */
  static async inFrontOf(target: string, port = 0): Promise<SilentProxy> {
    const proxy = new SilentProxy(new URL(target));
    proxy.#server.listen(port, "127.0.0.1");
    await once(proxy.#server, "listening");
    return proxy;
  }

  private constructor(target: URL) {
    this.#target = target;
    this.#server = createServer((near) => this.#take(near));
  }

  /** The target's address, by way of this proxy. */
  get url(): string {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("the proxy does not listen");
    return `${this.#target.protocol}//127.0.0.1:${address.port}`;
  }

  get connections(): number {
    return this.#pairs.size;
  }

  /** Drops all bytes in both directions from now on. */
  goSilent(): void {
    this.#silent = true;
  }

  /** Forwards new connections again. Silent connections stay silent. */
  resume(): void {
    this.#silent = false;
  }

  async close(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #take(near: Socket): void {
    const far = connect(Number(this.#target.port), this.#target.hostname);
    const pair = [near, far] as const;
    this.#pairs.add(pair);
    let deaf = this.#silent;
    const pass = (from: Socket, to: Socket) => {
      this.#sockets.add(from);
      from.on("data", (bytes) => {
        deaf ||= this.#silent;
        if (deaf) return;
        if (from === far) this.received += bytes.length;
        to.write(bytes);
      });
      from.on("end", () => {
        if (!deaf) to.end();
      });
      from.on("error", () => {}); // a close follows
      from.on("close", () => {
        this.#pairs.delete(pair);
        this.#sockets.delete(from);
        // A network that drops everything also drops the packets of a close.
        if (!deaf && !this.#silent) to.destroy();
      });
    };
    pass(near, far);
    pass(far, near);
  }
}
