import type { Block, TapeEvent } from "../tape.js";
import type { OnBlock } from "./generate-segment.js";

/** Blocks that are being generated one after the other: a reader of one need not wait for the last one. */
export class PendingBlocks {
  /** Settles when all blocks are generated, or one has failed. */
  readonly done: Promise<readonly TapeEvent[]>;
  readonly #first: number;
  readonly #blocks: readonly AwaitedBlock[];
  #made = 0;
  /** The last block that was requested. */
  #asked = -1;

  /**
   * @param first number of the first block
   * @param keep makes a block of its bytes
   */
  constructor(
    { first, count }: { readonly first: number; readonly count: number },
    make: (take: OnBlock, wanted: () => boolean) => Promise<readonly TapeEvent[]>,
    keep: (bytes: Uint8Array<ArrayBuffer>, number: number) => Block,
  ) {
    this.#first = first;
    this.#blocks = Array.from({ length: count }, () => new AwaitedBlock());
    const take: OnBlock = (bytes) => this.#blocks[this.#made]?.resolve(keep(bytes, first + this.#made++));
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

  block(number: number): Promise<Block> {
    const at = number - this.#first;
    this.#asked = Math.max(this.#asked, at);
    return this.#blocks[at]?.promise ?? Promise.reject(new RangeError(`block ${number} is not among them`));
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
