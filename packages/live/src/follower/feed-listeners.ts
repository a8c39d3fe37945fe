import type { Logger } from "@tapedeck/runtime";
import type { Seq } from "@tapedeck/tape";
import type { FeedState } from "../feed-store/feed-state.js";
import type { GrowingTape } from "../growing-tape/growing-tape.js";
import type { FeedListener } from "./live-listener.js";

/** Who follows a feed in this process, thousands perhaps. One that throws keeps no other one from being told. */
export class FeedListeners {
  readonly #all = new Set<FeedListener>();
  /** Those that have not been told the state yet. */
  readonly #untold = new Set<FeedListener>();
  readonly #log: Logger;
  #state: FeedState | undefined;

  constructor(log: Logger) {
    this.#log = log;
  }

  get size(): number {
    return this.#all.size;
  }

  /** What they were told last; undefined before that. */
  get state(): FeedState | undefined {
    return this.#state;
  }

  add(listener: FeedListener): void {
    this.#all.add(listener);
    this.#untold.add(listener);
    // Later, so that whoever follows has first the function that ends it. Before the state is known, it is told with all others.
    queueMicrotask(() => {
      if (this.#state !== undefined && this.#untold.has(listener)) this.#tell(listener, this.#state);
    });
  }

  remove(listener: FeedListener): void {
    this.#all.delete(listener);
    this.#untold.delete(listener);
  }

  // HOT: once per frame and listener.
  frame(tape: GrowingTape, seq: Seq, body: Buffer): void {
    for (const listener of this.#all) {
      try {
        listener.frame(tape, seq, body);
      } catch (error) {
        this.#log.error({ err: error, seq }, "a listener failed at a frame");
      }
    }
  }

  /** Tells the state to all, or if it is no news to those that know none. */
  setState(state: FeedState): void {
    const before = this.#state;
    this.#state = state;
    const told = before !== undefined && sameState(before, state) ? this.#untold : this.#all;
    for (const listener of [...told]) this.#tell(listener, state);
  }

  #tell(listener: FeedListener, state: FeedState): void {
    this.#untold.delete(listener);
    try {
      listener.state(state);
    } catch (error) {
      this.#log.error({ err: error }, "a listener failed at a change of its feed");
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
