import type { TapeNs } from "@tapedeck/protocol";
import type { Block, BlockCache, Gap, Seq, TapeEvent } from "@tapedeck/tape";
import { BlockBuilder, type OverviewPoint } from "@tapedeck/tape/blocks";
import type { LiveFrame } from "../stream/frame-message.js";

/** What stays in memory of a tail block when its frames are evicted. */
export interface TailBlock {
  readonly firstSeq: Seq;
  readonly lastSeq: Seq;
  readonly firstNs: TapeNs;
  readonly lastNs: TapeNs;
  readonly tradeTotal: number;
  readonly flags: number;
  readonly textBytes: number;
  readonly events: readonly TapeEvent[];
  readonly gaps: readonly Gap[];
  readonly points: readonly OverviewPoint[];
}

interface ClosedBlock extends TailBlock {
  /** Of its frames, in the cache. */
  readonly key: number;
}

/** The frames of a growing tape that are in no segment yet: the open block, and closed ones in the cache. */
export class Tail {
  /** Where it begins: all earlier frames are in segments. */
  #firstSeq: Seq;
  readonly #cache: BlockCache;
  readonly #key: number;
  #blockCount = 0;
  readonly #closed: ClosedBlock[] = [];
  #open: BlockBuilder | undefined;

  constructor(firstSeq: Seq, cache: BlockCache) {
    this.#firstSeq = firstSeq;
    this.#cache = cache;
    this.#key = cache.newTape();
  }

  get firstSeq(): Seq {
    return this.#firstSeq;
  }

  /** One before `firstSeq` while it is empty. */
  get lastSeq(): Seq {
    return this.#open?.lastSeq ?? this.#closed.at(-1)?.lastSeq ?? this.#firstSeq - 1;
  }

  /** Undefined while it is empty. */
  get lastNs(): TapeNs | undefined {
    return this.#open?.lastNs ?? this.#closed.at(-1)?.lastNs;
  }

  get length(): number {
    return this.#closed.length + (this.#open === undefined ? 0 : 1);
  }

  /** Its block of that number. */
  at(block: number): TailBlock | undefined {
    return block < this.#closed.length ? this.#closed[block] : this.#open;
  }

  /** The number of a frame's block, -1 for a frame before the tail. */
  blockOf(seq: Seq): number {
    let block = this.length - 1;
    while (block >= 0 && (this.at(block)?.firstSeq ?? 0) > seq) block--;
    return block;
  }

  /** The number of the last block that begins at or before a time, -1 if all begin later. */
  blockAt(ns: TapeNs): number {
    let block = this.length - 1;
    while (block >= 0 && (this.at(block)?.firstNs ?? 0) > ns) block--;
    return block;
  }

  // HOT: once per frame that is followed.
  add({ frame, beginsBlock }: LiveFrame): void {
    if (beginsBlock && this.#open !== undefined) this.#close(this.#open);
    this.#open ??= new BlockBuilder(this.lastSeq + 1);
    this.#open.add(frame);
  }

  /** A block's frames if they are in memory. The open block's always are. */
  cachedBlock(block: number): Block | undefined {
    const closed = this.#closed[block];
    return closed === undefined ? this.#open : this.#cache.get(closed.key);
  }

  /** A block's frames, read by `read` if they were evicted. */
  load(block: number, read: (first: Seq, last: Seq) => Promise<Block>): Promise<Block> {
    const closed = this.#closed[block];
    if (closed !== undefined) return this.#cache.load(closed.key, () => read(closed.firstSeq, closed.lastSeq));
    if (this.#open !== undefined) return Promise.resolve(this.#open);
    return Promise.reject(new RangeError(`the tail has no block ${block}`));
  }

  *blocks(): Generator<TailBlock> {
    yield* this.#closed;
    if (this.#open !== undefined) yield this.#open;
  }

  /** Whether a block ends with this frame, or the frame is outside the tail. */
  endsBlock(seq: Seq): boolean {
    return seq >= this.lastSeq || seq < this.#firstSeq || this.at(this.blockOf(seq))?.lastSeq === seq;
  }

  /** Drops the frames up to this one, the last of a block: they are in segments now. */
  dropThrough(seq: Seq): void {
    this.#closed.splice(0, this.#closed.findLastIndex((block) => block.lastSeq <= seq) + 1);
    if (this.#open !== undefined && this.#open.lastSeq <= seq) this.#open = undefined;
    this.#firstSeq = Math.max(this.#firstSeq, seq + 1);
  }

  #close(block: BlockBuilder): void {
    const { firstSeq, lastSeq, firstNs, lastNs, tradeTotal, flags, textBytes, events, gaps, points } = block;
    const key = this.#key + this.#blockCount++;
    this.#cache.put(key, block.toBlock());
    this.#closed.push({ key, firstSeq, lastSeq, firstNs, lastNs, tradeTotal, flags, textBytes, events, gaps, points });
    this.#open = undefined;
  }
}
