import { connect, type Socket } from "node:net";
import { ProxyServer } from "./proxy-server.js";

/** A proxy that can go silent: it keeps connections open and accepts new ones, but forwards nothing. */
export class SilentProxy extends ProxyServer {
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  #silent = false;
  /** Bytes that the target has sent through it. */
  received = 0;

  /** @param target an address of http or redis */
  static inFrontOf(target: string, port = 0): Promise<SilentProxy> {
    return new SilentProxy(target).listen(port);
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

  protected take(near: Socket): void {
    const far = connect(Number(this.target.port), this.target.hostname);
    const pair = [near, far] as const;
    this.#pairs.add(pair);
    let deaf = this.#silent;
    const pass = (from: Socket, to: Socket) => {
      this.sockets.add(from);
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
        this.sockets.delete(from);
        // A network that drops everything also drops the packets of a close.
        if (!deaf && !this.#silent) to.destroy();
      });
    };
    pass(near, far);
    pass(far, near);
  }
}
