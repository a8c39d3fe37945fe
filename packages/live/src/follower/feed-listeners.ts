import type { Logger } from "@tapedeck/runtime";
import type { Seq } from "@tapedeck/tape";
import type { FeedState } from "../feed-store/feed-state.js";
import type { GrowingTape } from "../growing-tape/growing-tape.js";

export interface FeedListener {
  /**
   * HOT. The frame's JSON as bytes, after `tape.span` has grown to it: `tape.block(seq)` is in memory. Frames come in order, each
   * once. None is left out, except after an absence so long that Redis has dropped frames: then only the tape has them.
   */
  frame(tape: GrowingTape, seq: Seq, body: Buffer): void;
  /** Called as soon as the present state is known, then at each change. */
  state(state: FeedState): void;
}

/** The listeners of one feed in this process, perhaps thousands. One that throws does not affect the others. */
export class FeedListeners {
  readonly #all = new Set<FeedListener>();
  /** Those that have not received a state yet. */
  readonly #withoutState = new Set<FeedListener>();
  readonly #log: Logger;
  #state: FeedState | undefined;

  constructor(log: Logger) {
    this.#log = log;
  }

  get size(): number {
    return this.#all.size;
  }

  /** The last state; undefined before the first. */
  get state(): FeedState | undefined {
    return this.#state;
  }

  add(listener: FeedListener): void {
    this.#all.add(listener);
    this.#withoutState.add(listener);
    // Later, so that the caller has the function that ends it first. A state that is not known yet goes to all listeners.
    queueMicrotask(() => {
      if (this.#state !== undefined && this.#withoutState.has(listener)) this.#sendState(listener, this.#state);
    });
  }

  remove(listener: FeedListener): void {
    this.#all.delete(listener);
    this.#withoutState.delete(listener);
  }

  // HOT: once per frame and listener.
  frame(tape: GrowingTape, seq: Seq, body: Buffer): void {
    for (const listener of this.#all) {
      try {
        listener.frame(tape, seq, body);
      } catch (error) {
        this.#log.error({ err: error, seq }, "a listener failed to handle a frame");
      }
    }
  }

  /** Sends a changed state to all listeners, an unchanged one to those without a state. */
  setState(state: FeedState): void {
    const before = this.#state;
    this.#state = state;
    const receivers = before !== undefined && sameState(before, state) ? this.#withoutState : this.#all;
    for (const listener of [...receivers]) this.#sendState(listener, state);
  }

  #sendState(listener: FeedListener, state: FeedState): void {
    this.#withoutState.delete(listener);
    try {
      listener.state(state);
    } catch (error) {
      this.#log.error({ err: error }, "a listener failed to handle a change of its feed");
    }
  }
}

function sameState(a: FeedState, b: FeedState): boolean {
  return (
    a.tape === b.tape &&
    a.node === b.node &&
    a.status.status === b.status.status &&
    a.status.reason === b.status.reason &&
    (a.since === b.since || b.rev === 0)
  );
}
