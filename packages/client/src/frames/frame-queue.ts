import type { Frame } from "@tapedeck/protocol";
import { TapedeckError } from "../errors.js";

/** Frames that a reader of `frames()` may be behind: more than two minutes at 60 a second. */
const mostQueued = 10_000;

/** Frames that have come and are waiting for the loop that reads them. */
export class FrameQueue implements AsyncIterableIterator<Frame, undefined> {
  readonly #frames: Frame[] = [];
  #over: { readonly error: TapedeckError | undefined } | undefined;
  #waiting: { resolve: (next: IteratorResult<Frame, undefined>) => void; reject: (error: unknown) => void }[] = [];
  /** Called once, when the reader is done or the queue has ended. */
  readonly #release: () => void;

  constructor(release: () => void) {
    this.#release = release;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  push(frame: Frame): void {
    if (this.#over) return;
    const reader = this.#waiting.shift();
    if (reader) reader.resolve({ done: false, value: frame });
    else if (this.#frames.push(frame) > mostQueued) {
      this.#frames.length = 0;
      this.end(new TapedeckError("behind", `The loop is ${mostQueued} frames behind: it does too much for each one.`));
    }
  }

  /** What has come is still read; then the loop ends, or throws the error. */
  end(error?: TapedeckError): void {
    if (this.#over) return;
    this.#over = { error };
    this.#release();
    for (const reader of this.#waiting.splice(0)) this.#last(error).then(reader.resolve, reader.reject);
  }

  next(): Promise<IteratorResult<Frame, undefined>> {
    const frame = this.#frames.shift();
    if (frame) return Promise.resolve({ done: false, value: frame });
    if (this.#over) return this.#last(this.#over.error);
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
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
