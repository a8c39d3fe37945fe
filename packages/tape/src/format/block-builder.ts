import { promisify } from "node:util";
import { deflate as deflateCallback } from "node:zlib";
import type { TapeNs } from "@tapedeck/protocol";
import type { Gap, Seq, TapeEvent } from "../tape.js";
import { InMemoryBlock, objectOverheadBytes, RecordedBlock } from "./block.js";
import { type BlockColumns, columnsOf, floatColumns, integerColumns, tableBytes, tradeSides } from "./block-columns.js";
import { hasAnomalies, hasGaps } from "./block-index.js";
import { crc32 } from "./checksum.js";
import { severityRank } from "./events.js";
import { gapLengthNs } from "./mark-gap.js";
import type { OverviewPoint } from "./overview.js";
import type { SerializedFrame } from "./serialize-frame.js";

const deflate = promisify(deflateCallback);

const framesPerBlock = 64;
/** Frames with very many trades make shorter blocks, so that no block fills a cache. */
const maxTextBytes = 512 * 1024;
const initialTextBytes = 64 * 1024;

/** As much of a block as decides whether it is full. */
export interface BlockFill {
  readonly frames: number;
  readonly textBytes: number;
  readonly firstNs: TapeNs;
  readonly lastNs: TapeNs;
}

interface BlockLimits {
  readonly frames?: number | undefined;
  /** Time from the first frame to the last one; unlimited by default. */
  readonly spanNs?: TapeNs | undefined;
}

/**
 * Whether the next frame begins another block. The one rule for imported and live tapes; simulated ones have a fixed number of frames
 * per block, from which their index follows.
 */
export function isBlockFull(
  block: BlockFill,
  { frames = framesPerBlock, spanNs = Number.POSITIVE_INFINITY }: BlockLimits = {},
): boolean {
  return block.frames >= frames || block.textBytes >= maxTextBytes || block.lastNs - block.firstNs >= spanNs;
}

/**
 * Collects the frames of one block, and what a tape stores about them outside of it. It is a readable block at any time: the newest
 * block of a live tape.
 */
export class BlockBuilder extends InMemoryBlock implements BlockFill {
  readonly events: TapeEvent[] = [];
  /** Gaps that end in this block. */
  readonly gaps: Gap[] = [];
  /** One per frame. */
  readonly points: OverviewPoint[] = [];
  tradeTotal = 0;
  flags = 0;

  #capacity: number;

  /**
   * @param capacity frames to make room for at the beginning
   * @param textCapacity bytes of text to make room for at the beginning
   */
  constructor(firstSeq: Seq, capacity = framesPerBlock, textCapacity = initialTextBytes) {
    super(firstSeq, 0, columnsFor(capacity), Buffer.allocUnsafeSlow(textCapacity), 0);
    this.#capacity = capacity;
  }

  get frames(): number {
    return this.count;
  }

  get firstNs(): TapeNs {
    return this.columns.ns[0] ?? 0;
  }

  get lastNs(): TapeNs {
    return this.columns.ns[this.count - 1] ?? 0;
  }

  get textBytes(): number {
    return this.textLength;
  }

  get size(): number {
    return this.text.length + tableBytes(this.#capacity) + objectOverheadBytes;
  }

  // HOT: once per frame that is recorded or followed. A full block still accepts frames: a copy keeps the boundaries of its original.
  add(frame: SerializedFrame): void {
    if (this.count === this.#capacity) this.#growColumns();
    const { columns, count: at, textLength: start } = this;
    const seq = this.firstSeq + at;
    columns.ns[at] = frame.ns;
    columns.tradeVolume[at] = frame.tradeVolume;
    columns.lastTradePrice[at] = frame.lastTradePrice;
    columns.effectiveSpread[at] = frame.effectiveSpread ?? Number.NaN;
    columns.gapBeforeNs[at] = gapLengthNs(frame.gap);
    columns.start[at] = start;
    columns.fieldsStart[at] = start + frame.fieldsStart;
    columns.tradesStart[at] = start + frame.tradesStart;
    columns.tradesEnd[at] = start + frame.tradesEnd;
    columns.anomaliesStart[at] = start + frame.anomaliesStart;
    columns.anomaliesEnd[at] = start + frame.anomaliesEnd;
    columns.tradeCount[at] = frame.tradeCount;
    columns.side[at] = tradeSides.indexOf(frame.lastTradeSide);
    this.#appendText(frame.text);
    this.count++;
    this.tradeTotal += frame.tradeCount;
    if (frame.anomaliesEnd > frame.anomaliesStart) this.flags |= hasAnomalies;
    if (frame.gap !== undefined) {
      this.flags |= hasGaps;
      this.gaps.push(frame.gap);
    }
    this.#collectEvents(seq, frame);
  }

  /** The block's bytes, before compression. */
  toBytes(): Buffer {
    const table = tableBytes(this.count);
    const bytes = Buffer.from(new ArrayBuffer(table + this.textLength));
    bytes.writeUInt32LE(this.count, 0);
    bytes.writeUInt32LE(table, 4);
    copyColumns(this.columns, columnsOf(bytes.buffer, this.count), this.count);
    this.text.copy(bytes, table, 0, this.textLength);
    return bytes;
  }

  /** The same frames, in no more memory than they need. */
  toBlock(): RecordedBlock {
    return new RecordedBlock(this.firstSeq, this.count, this.toBytes());
  }

  #growColumns(): void {
    this.#capacity *= 2;
    const larger = columnsFor(this.#capacity);
    copyColumns(this.columns, larger, this.count);
    this.columns = larger;
  }

  #appendText(text: string | Uint8Array): void {
    const end = this.textLength + text.length;
    if (end > this.text.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(end, 2 * this.text.length));
      this.text.copy(larger, 0, 0, this.textLength);
      this.text = larger;
    }
    if (typeof text === "string") this.text.write(text, this.textLength, "latin1");
    else this.text.set(text, this.textLength);
    this.textLength = end;
  }

  #collectEvents(seq: Seq, { ns, price, events }: SerializedFrame): void {
    let gravest: TapeEvent | undefined;
    for (const { type, severity } of events) {
      const event = { seq, ns, type, severity };
      this.events.push(event);
      if (gravest === undefined || severityRank(severity) > severityRank(gravest.severity)) gravest = event;
    }
    this.points.push({ seq, ns, price, low: price, high: price, event: gravest });
  }
}

/** A point of an overview, with the number of frames that it sums up. */
export interface OverviewRun extends OverviewPoint {
  readonly frames: number;
}

/** A block as a file stores it, with everything that a tape says about its frames elsewhere: it is copied from tape to tape unread. */
export interface CompressedBlock {
  readonly firstSeq: Seq;
  readonly count: number;
  readonly firstNs: TapeNs;
  readonly lastNs: TapeNs;
  readonly trades: number;
  readonly flags: number;
  readonly compressed: Uint8Array;
  readonly rawLength: number;
  /** Of `compressed`. */
  readonly crc32: number;
  readonly events: readonly TapeEvent[];
  /** Gaps that end in this block. */
  readonly gaps: readonly Gap[];
  /** Runs that begin in this block. */
  readonly runs: readonly OverviewRun[];
}

/** Compresses a block, in another thread. The block must not change afterwards. */
export async function compressBlock(block: BlockBuilder): Promise<CompressedBlock> {
  const raw = block.toBytes();
  const compressed = await deflate(raw);
  return {
    firstSeq: block.firstSeq,
    count: block.frames,
    firstNs: block.firstNs,
    lastNs: block.lastNs,
    trades: block.tradeTotal,
    flags: block.flags,
    compressed,
    rawLength: raw.length,
    crc32: crc32(compressed),
    events: block.events,
    gaps: block.gaps,
    runs: block.points.map((point) => ({ ...point, frames: 1 })),
  };
}

function columnsFor(frames: number): BlockColumns {
  return columnsOf(new ArrayBuffer(tableBytes(frames)), frames);
}

function copyColumns(from: BlockColumns, to: BlockColumns, count: number): void {
  for (const name of floatColumns) to[name].set(from[name].subarray(0, count));
  for (const name of integerColumns) to[name].set(from[name].subarray(0, count));
  to.side.set(from.side.subarray(0, count));
}
