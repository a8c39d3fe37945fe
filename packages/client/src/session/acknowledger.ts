import type { Position } from "../frames/frame-sequencer.js";
import { randomName } from "../random-name.js";

/** One frame that listeners still work on. */
interface Unfinished {
  readonly position: Position;
  done: boolean;
}

/** Below this share of the window a reader that is at work does not wait for an acknowledgement, so several can share one. */
const windowShare = 4;

/**
 * Acknowledges frames in lossless pace, in their order: a frame when all that its listeners returned has settled, and that of all frames
 * before it. With a narrow window each by itself, otherwise the last of those that were handled together.
 */
export class Acknowledger {
  /** Under which the cluster knows this reader again, through whichever node. */
  readonly name = randomName();
  /** The last frame that this program is done with. */
  handled: Position | undefined;
  readonly #send: (position: Position) => void;
  readonly #unfinished: Unfinished[] = [];
  #sent: Position | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(send: (position: Position) => void) {
    this.#send = send;
  }

  /** HOT: a frame was delivered. `work`: what its listeners returned that has not settled yet. */
  delivered(position: Position, work: readonly PromiseLike<unknown>[], window: number): void {
    if (work.length === 0 && this.#unfinished.length === 0) {
      this.#finish(position, window);
      return;
    }
    const entry: Unfinished = { position, done: work.length === 0 };
    this.#unfinished.push(entry);
    if (entry.done) return;
    void Promise.allSettled(work).then(() => {
      entry.done = true;
      while (this.#unfinished[0]?.done) {
        const first = this.#unfinished.shift();
        if (first !== undefined) this.#finish(first.position, window);
      }
    });
  }

  /** A connection has opened: what was acknowledged on the last one may not have arrived. */
  repeat(): void {
    if (this.handled !== undefined) this.#flush();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #finish(position: Position, window: number): void {
    this.handled = position;
    const sent = this.#sent;
    const isFar = sent?.epoch !== position.epoch || position.seq - sent.seq >= window / windowShare;
    if (isFar) this.#flush();
    else this.#timer ??= setTimeout(() => this.#flush(), 0);
  }

  #flush(): void {
    this.stop();
    if (this.handled === undefined) return;
    this.#sent = this.handled;
    this.#send(this.handled);
  }
}
