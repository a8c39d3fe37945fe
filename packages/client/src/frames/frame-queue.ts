import type { Frame } from "@tapedeck/protocol";
import { TapedeckError } from "../errors.js";

/** How far a reader of `frames()` may lag behind: more than two minutes at 60 frames per second. */
const maxQueued = 10_000;

/** Frames that wait for a `for await` loop. */
export class FrameQueue implements AsyncIterableIterator<Frame, undefined> {
  readonly #frames: Frame[] = [];
  /** In lossless pace, by frame: called when the reader is done with it. */
  readonly #done = new Map<Frame, () => void>();
  /** The frame that the reader works on. */
  #reading: Frame | undefined;
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
    if (reader) this.#hand(frame, reader.resolve);
    else if (this.#frames.push(frame) > maxQueued) {
      this.#frames.length = 0;
      this.end(new TapedeckError("behind", `The reader of frames() is more than ${maxQueued} frames behind.`));
    }
  }

  /** As `push`; resolves when the reader asks for the next frame, or leaves. */
  pushAndWait(frame: Frame): Promise<void> | undefined {
    if (this.#ended) return undefined;
    const done = new Promise<void>((resolve) => this.#done.set(frame, resolve));
    this.push(frame);
    return done;
  }

  /** Frames in the queue are still read; then the loop ends, or throws the error. */
  end(error?: TapedeckError): void {
    if (this.#ended) return;
    this.#ended = { error };
    this.#release();
    for (const reader of this.#readers.splice(0)) this.#last(error).then(reader.resolve, reader.reject);
  }

  next(): Promise<IteratorResult<Frame, undefined>> {
    this.#finish();
    const frame = this.#frames.shift();
    if (frame) return new Promise((resolve) => this.#hand(frame, resolve));
    if (this.#ended) return this.#last(this.#ended.error);
    return new Promise((resolve, reject) => this.#readers.push({ resolve, reject }));
  }

  /** The loop was left by `break` or `return`. */
  return(): Promise<IteratorResult<Frame, undefined>> {
    this.#frames.length = 0;
    this.end();
    for (const done of this.#done.values()) done();
    this.#done.clear();
    return this.next();
  }

  #hand(frame: Frame, resolve: (next: IteratorResult<Frame, undefined>) => void): void {
    this.#reading = frame;
    resolve({ done: false, value: frame });
  }

  #finish(): void {
    const frame = this.#reading;
    if (frame === undefined) return;
    this.#reading = undefined;
    this.#done.get(frame)?.();
    this.#done.delete(frame);
  }

  #last(error: TapedeckError | undefined): Promise<IteratorResult<Frame, undefined>> {
    return error ? Promise.reject(error) : Promise.resolve({ done: true, value: undefined });
  }
}
