import type { Frame } from "@tapedeck/protocol";
import { TapedeckError } from "../errors.js";

/** How far a reader of `frames()` may lag behind: more than two minutes at 60 frames per second. */
const maxQueued = 10_000;

/** Frames that wait for a `for await` loop. */
export class FrameQueue implements AsyncIterableIterator<Frame, undefined> {
  readonly #frames: Frame[] = [];
  #ended: { readonly error: TapedeckError | undefined } | undefined;
  #readers: { resolve: (next: IteratorResult<Frame, undefined>) => void; reject: (error: unknown) => void }[] = [];
  /** Called once, when the reader leaves or the queue ends. */
  readonly #release: () => void;

  constructor(release: () => void) {
    this.#release = release;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  push(frame: Frame): void {
    if (this.#ended) return;
    const reader = this.#readers.shift();
    if (reader) reader.resolve({ done: false, value: frame });
    else if (this.#frames.push(frame) > maxQueued) {
      this.#frames.length = 0;
      this.end(new TapedeckError("behind", `The reader of frames() is more than ${maxQueued} frames behind.`));
    }
  }

  /** Frames in the queue are still read; then the loop ends, or throws the error. */
  end(error?: TapedeckError): void {
    if (this.#ended) return;
    this.#ended = { error };
    this.#release();
    for (const reader of this.#readers.splice(0)) this.#last(error).then(reader.resolve, reader.reject);
  }

  next(): Promise<IteratorResult<Frame, undefined>> {
    const frame = this.#frames.shift();
    if (frame) return Promise.resolve({ done: false, value: frame });
    if (this.#ended) return this.#last(this.#ended.error);
    return new Promise((resolve, reject) => this.#readers.push({ resolve, reject }));
  }

  /** The loop was left by `break` or `return`. */
  return(): Promise<IteratorResult<Frame, undefined>> {
    this.#frames.length = 0;
    this.end();
    return this.next();
  }

  #last(error: TapedeckError | undefined): Promise<IteratorResult<Frame, undefined>> {
    return error ? Promise.reject(error) : Promise.resolve({ done: true, value: undefined });
  }
}
