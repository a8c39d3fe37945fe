import type { Block, TapeEvent } from "../tape.js";
import { blocksPerSegment } from "./layout.js";
import type { TakeBlock } from "./segment-frames.js";

/** A segment that is being made: who waits for one of its blocks need not wait for the last. */
export class SegmentUnderWay {
  /** Resolves when all of it is made. */
  readonly events: Promise<readonly TapeEvent[]>;
  readonly #blocks = Array.from({ length: blocksPerSegment }, () => new AwaitedBlock());

  constructor(
    make: (take: TakeBlock) => Promise<readonly TapeEvent[]>,
    keep: (bytes: Uint8Array<ArrayBuffer>, at: number) => Block,
  ) {
    let made = 0;
    this.events = make((bytes) => this.#blocks[made]?.resolve(keep(bytes, made++)));
    const rest = (error: unknown) => {
      for (const block of this.#blocks) block.reject(error);
    };
    this.events.then(() => rest(new RangeError("a segment came without one of its blocks")), rest);
    // Whoever waits for a block hears of a failure; often nobody does.
    for (const { promise } of this.#blocks) promise.catch(() => undefined);
  }

  block(at: number): Promise<Block> {
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
