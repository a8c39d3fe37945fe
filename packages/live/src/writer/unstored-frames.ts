import type { TapeNs } from "@tapedeck/protocol";
import type { Seq } from "@tapedeck/tape";
import { BlockBuilder, type CompressedBlock, compressBlock } from "@tapedeck/tape/blocks";
import type { LiveFrame } from "../stream/frame-message.js";

interface ClosedBlock {
  readonly firstNs: TapeNs;
  readonly lastNs: TapeNs;
  readonly lastSeq: Seq;
  readonly bytes: number;
  readonly packed: Promise<CompressedBlock>;
}

/**
 * The frames of a live tape that are in no part yet, as its writer has them: so Redis may lose its copy, and none has to be read
 * to be stored. Blocks are compressed as soon as they are complete.
 */
export class UnstoredFrames {
  readonly #closed: ClosedBlock[] = [];
  #closedBytes = 0;
  #open: BlockBuilder | undefined;
  #openBytes = 0;

  /** Bytes that its frames take in Redis. */
  get bytes(): number {
    return this.#closedBytes + this.#openBytes;
  }

  get empty(): boolean {
    return this.#closed.length === 0 && this.#open === undefined;
  }

  /** How much time the complete blocks span. */
  get closedSpanNs(): TapeNs {
    const [first, last] = [this.#closed[0], this.#closed.at(-1)];
    return first === undefined || last === undefined ? 0 : last.lastNs - first.firstNs;
  }

  /** @param bytes that the frame takes in Redis */
  add({ seq, frame, beginsBlock }: LiveFrame, bytes: number): void {
    if (beginsBlock) this.#close();
    this.#open ??= new BlockBuilder(seq);
    this.#open.add(frame);
    this.#openBytes += bytes;
  }

  /** The blocks that are complete; with `all` also the one that still fills, after which a block begins. */
  blocks({ all = false } = {}): Promise<CompressedBlock[]> {
    if (all) this.#close();
    return Promise.all(this.#closed.map((block) => block.packed));
  }

  /** Forgets the blocks up to a frame, which are in a part now. */
  dropThrough(seq: Seq): void {
    for (const { bytes } of this.#closed.splice(0, this.#closed.findLastIndex(({ lastSeq }) => lastSeq <= seq) + 1)) {
      this.#closedBytes -= bytes;
    }
  }

  #close(): void {
    const block = this.#open;
    if (block === undefined) return;
    const { firstNs, lastNs, lastSeq } = block;
    const coming = compressBlock(block);
    coming.catch(() => undefined); // whoever stores the block is told
    this.#closed.push({ firstNs, lastNs, lastSeq, bytes: this.#openBytes, packed: coming });
    this.#closedBytes += this.#openBytes;
    this.#open = undefined;
    this.#openBytes = 0;
  }
}
