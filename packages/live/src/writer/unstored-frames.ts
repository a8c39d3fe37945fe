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
 * The writer's own copy of the frames that are in no segment yet, so that Redis may lose its copy, and storing reads none. Blocks
 * are compressed as soon as they are complete.
 */
export class UnstoredFrames {
  readonly #closed: ClosedBlock[] = [];
  #closedBytes = 0;
  #open: BlockBuilder | undefined;
  #openBytes = 0;

  /** Bytes of its frames in Redis. */
  get bytes(): number {
    return this.#closedBytes + this.#openBytes;
  }

  get empty(): boolean {
    return this.#closed.length === 0 && this.#open === undefined;
  }

  /** Tape time that the complete blocks span. */
  get closedSpanNs(): TapeNs {
    const [first, last] = [this.#closed[0], this.#closed.at(-1)];
    return first === undefined || last === undefined ? 0 : last.lastNs - first.firstNs;
  }

  /** @param bytes of the frame in Redis */
  add({ seq, frame, beginsBlock }: LiveFrame, bytes: number): void {
    if (beginsBlock) this.#close();
    this.#open ??= new BlockBuilder(seq);
    this.#open.add(frame);
    this.#openBytes += bytes;
  }

  /** The complete blocks; with `all` also the open one, which is closed then. */
  blocks({ all = false } = {}): Promise<CompressedBlock[]> {
    if (all) this.#close();
    return Promise.all(this.#closed.map((block) => block.packed));
  }

  /** Drops the blocks up to a frame: they are in a segment now. */
  dropThrough(seq: Seq): void {
    for (const { bytes } of this.#closed.splice(0, this.#closed.findLastIndex(({ lastSeq }) => lastSeq <= seq) + 1)) {
      this.#closedBytes -= bytes;
    }
  }

  #close(): void {
    const block = this.#open;
    if (block === undefined) return;
    const { firstNs, lastNs, lastSeq } = block;
    const packing = compressBlock(block);
    packing.catch(() => undefined); // storing the block reports it
    this.#closed.push({ firstNs, lastNs, lastSeq, bytes: this.#openBytes, packed: packing });
    this.#closedBytes += this.#openBytes;
    this.#open = undefined;
    this.#openBytes = 0;
  }
}
