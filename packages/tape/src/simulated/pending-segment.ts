import type { Block, TapeEvent } from "../tape.js";
import type { OnBlock } from "./generate-segment.js";
import { blocksPerSegment } from "./layout.js";

/** A segment that is being generated: a reader of one of its blocks need not wait for the last one. */
export class PendingSegment {
  /** Settles when the whole segment is generated, or has failed. */
  readonly done: Promise<readonly TapeEvent[]>;
  readonly #blocks = Array.from({ length: blocksPerSegment }, () => new AwaitedBlock());
  #made = 0;
  /** The last block that was requested. */
  #asked = -1;

  constructor(
    make: (take: OnBlock, wanted: () => boolean) => Promise<readonly TapeEvent[]>,
    keep: (bytes: Uint8Array<ArrayBuffer>, at: number) => Block,
  ) {
    const take: OnBlock = (bytes) => this.#blocks[this.#made]?.resolve(keep(bytes, this.#made++));
    this.done = make(take, () => this.wanted);
    const rest = (error: unknown) => {
      for (const block of this.#blocks) block.reject(error);
    };
    this.done.then(() => rest(new RangeError("a segment came without one of its blocks")), rest);
    // Readers of a block get the error; often there is no reader.
    for (const { promise } of this.#blocks) promise.catch(() => undefined);
  }

  /** Whether a block that is not generated yet was requested. */
  get wanted(): boolean {
    return this.#asked >= this.#made;
  }

  block(at: number): Promise<Block> {
    this.#asked = Math.max(this.#asked, at);
    return this.#blocks[at]?.promise ?? Promise.reject(new RangeError(`a segment has no block ${at}`));
  }
}

class AwaitedBlock {
  readonly promise: Promise<Block>;
  resolve: (block: Block) => void = () => undefined;
  reject: (error: unknown) => void = () => undefined;

  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }
}
