import type { TapeNs } from "@tapedeck/protocol";
import type { Gap, Seq, TapeEvent } from "../tape.js";
import { InMemoryBlock, objectOverheadBytes, RecordedBlock } from "./block.js";
import { type BlockColumns, columnsOf, floatColumns, integerColumns, tableBytes } from "./block-columns.js";
import { hasAnomalies, hasGaps } from "./block-index.js";
import { severityRank } from "./events.js";
import { tradeSides } from "./frame-text.js";
import type { OverviewPoint } from "./overview.js";
import { gapLengthNs, type SerializedFrame } from "./serialize-frame.js";

/** When a block is full. */
export interface BlockLimits {
  readonly frames: number;
  /** Time from its first frame to its last one after which it takes no more. */
  readonly ns: TapeNs;
}

/** A block that has become this large is closed early: frames with very many trades don't make blocks that fill a cache. */
const largestText = 512 * 1024;
/** Room for text that a block begins with. */
const usualText = 64 * 1024;

export const framesPerBlock = 64;

/** A block that still takes frames, with what a tape says of them outside of it. It can be read at any time. */
export class BlockBuilder extends InMemoryBlock {
  readonly bounds: BlockLimits;
  readonly events: TapeEvent[] = [];
  /** Those that end in this block. */
  readonly gaps: Gap[] = [];
  /** One a frame. */
  readonly points: OverviewPoint[] = [];
  tradeTotal = 0;
  flags = 0;

  #capacity: number;

  /** @param room bytes of text to make room for at the beginning */
  constructor(firstSeq: Seq, bounds: BlockLimits, room = usualText) {
    super(firstSeq, 0, columnsFor(bounds.frames), Buffer.allocUnsafeSlow(room), 0);
    this.bounds = bounds;
    this.#capacity = bounds.frames;
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

  get full(): boolean {
    const { frames, ns } = this.bounds;
    return this.count >= frames || this.textLength >= largestText || this.lastNs - this.firstNs >= ns;
  }

  // HOT: once per frame that is recorded, or followed. It may be added to a full block too: whoever copies one may know better.
  add(frame: SerializedFrame): void {
    if (this.count === this.#capacity) this.#widen();
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
    this.#write(frame.text);
    this.count++;
    this.tradeTotal += frame.tradeCount;
    if (frame.anomaliesEnd > frame.anomaliesStart) this.flags |= hasAnomalies;
    if (frame.gap !== undefined) {
      this.flags |= hasGaps;
      this.gaps.push(frame.gap);
    }
    this.#note(seq, frame);
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

  #widen(): void {
    this.#capacity *= 2;
    const wider = columnsFor(this.#capacity);
    copyColumns(this.columns, wider, this.count);
    this.columns = wider;
  }

  #write(text: string | Uint8Array): void {
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

  #note(seq: Seq, { ns, price, events }: SerializedFrame): void {
    let gravest: TapeEvent | undefined;
    for (const { type, severity } of events) {
      const event = { seq, ns, type, severity };
      this.events.push(event);
      if (gravest === undefined || severityRank(severity) > severityRank(gravest.severity)) gravest = event;
    }
    this.points.push({ seq, ns, price, low: price, high: price, event: gravest });
  }
}

function columnsFor(frames: number): BlockColumns {
  return columnsOf(new ArrayBuffer(tableBytes(frames)), frames);
}

function copyColumns(from: BlockColumns, to: BlockColumns, count: number): void {
  for (const name of floatColumns) to[name].set(from[name].subarray(0, count));
  for (const name of integerColumns) to[name].set(from[name].subarray(0, count));
  to.side.set(from.side.subarray(0, count));
}
