import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";

/** A proxy that can lose answers: requests reach their target, which carries them out, and the connection breaks when the answer comes. */
export class AnswerLosingProxy {
  readonly #server: Server;
  readonly #target: URL;
  readonly #sockets = new Set<Socket>();
  #toLose = 0;
  /** Answers that were lost. */
  lost = 0;

  /** @param target an address of http */
  static async inFrontOf(target: string): Promise<AnswerLosingProxy> {
    const proxy = new AnswerLosingProxy(new URL(target));
    proxy.#server.listen(0, "127.0.0.1");
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

  /** Loses so many answers from now on, on any connection. */
  loseNext(answers: number): void {
    this.#toLose = answers;
  }

  async close(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #take(near: Socket): void {
    const far = connect(Number(this.#target.port), this.#target.hostname);
    for (const socket of [near, far]) {
      this.#sockets.add(socket);
      socket.on("error", () => {}); // a close follows
      socket.on("close", () => {
        this.#sockets.delete(socket);
        near.destroy();
        far.destroy();
      });
    }
    near.on("data", (bytes) => far.write(bytes));
    far.on("data", (bytes) => {
      if (this.#toLose === 0) {
        near.write(bytes);
        return;
      }
      this.#toLose--;
      this.lost++;
      near.destroy();
    });
  }
}
