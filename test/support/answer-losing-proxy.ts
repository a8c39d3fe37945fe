import { connect, type Socket } from "node:net";
import { ProxyServer } from "./proxy-server.js";

/** A proxy that can lose answers: requests reach their target, which carries them out, and the connection breaks when the answer comes. */
export class AnswerLosingProxy extends ProxyServer {
  #toLose = 0;
  /** Answers that were lost. */
  lost = 0;

  /** @param target an address of http */
  static inFrontOf(target: string): Promise<AnswerLosingProxy> {
    return new AnswerLosingProxy(target).listen();
  }

  /** Loses so many answers from now on, on any connection. */
  loseNext(answers: number): void {
    this.#toLose = answers;
  }

  protected take(near: Socket): void {
    const far = connect(Number(this.target.port), this.target.hostname);
    for (const socket of [near, far]) {
      this.sockets.add(socket);
      socket.on("error", () => {}); // a close follows
      socket.on("close", () => {
        this.sockets.delete(socket);
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
