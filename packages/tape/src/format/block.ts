import { isAscii } from "node:buffer";
import type { TapeNs, TradeSide } from "@tapedeck/protocol";
import { countUpTo } from "../binary-search.js";
import type { Block, Seq } from "../tape.js";
import { type BlockColumns, columnsOf, tableBytes, tradeSides } from "./block-columns.js";

/**
 * Frames in memory: their columns, and their text as bytes. Frames are ASCII, so a slice of the text becomes a string of one byte per
 * character without decoding.
 */
export abstract class InMemoryBlock implements Block {
  readonly firstSeq: Seq;
  /** Frames so far; columns and text may have room for more. */
  protected count: number;
  protected columns: BlockColumns;
  protected text: Buffer;
  protected textLength: number;

  constructor(firstSeq: Seq, count: number, columns: BlockColumns, text: Buffer, textLength: number) {
    this.firstSeq = firstSeq;
    this.count = count;
    this.columns = columns;
    this.text = text;
    this.textLength = textLength;
  }

  abstract get size(): number;

  get lastSeq(): Seq {
    return this.firstSeq + this.count - 1;
  }

  nsOf(seq: Seq): TapeNs {
    return this.columns.ns[this.#at(seq)] ?? 0;
  }

  tradeCountOf(seq: Seq): number {
    return this.columns.tradeCount[this.#at(seq)] ?? 0;
  }

  seqAt(ns: TapeNs): Seq {
    return this.firstSeq + countUpTo(this.columns.ns, ns, this.count) - 1;
  }

  // HOT: once per message.
  json(seq: Seq): string {
    const at = this.#at(seq);
    const end = at + 1 < this.count ? this.columns.start[at + 1] : this.textLength;
    return this.#slice(this.columns.start[at] ?? 0, end ?? this.textLength);
  }

  head(seq: Seq): string {
    const at = this.#at(seq);
    return this.#slice(this.columns.start[at] ?? 0, this.columns.fieldsStart[at] ?? 0);
  }

  trades(seq: Seq): string {
    const at = this.#at(seq);
    return this.#slice(this.columns.tradesStart[at] ?? 0, this.columns.tradesEnd[at] ?? 0);
  }

  anomalies(seq: Seq): string {
    const at = this.#at(seq);
    return this.#slice(this.columns.anomaliesStart[at] ?? 0, this.columns.anomaliesEnd[at] ?? 0);
  }

  tradeVolumeOf(seq: Seq): number {
    return this.columns.tradeVolume[this.#at(seq)] ?? 0;
  }

  lastTradePriceOf(seq: Seq): number {
    return this.columns.lastTradePrice[this.#at(seq)] ?? 0;
  }

  lastTradeSideOf(seq: Seq): TradeSide {
    return tradeSides[this.columns.side[this.#at(seq)] ?? 0] ?? "unknown";
  }

  effectiveSpreadOf(seq: Seq): number | null {
    const spread = this.columns.effectiveSpread[this.#at(seq)] ?? Number.NaN;
    return Number.isNaN(spread) ? null : spread;
  }

  gapBeforeNsOf(seq: Seq): number {
    return this.columns.gapBeforeNs[this.#at(seq)] ?? 0;
  }

  #at(seq: Seq): number {
    if (seq < this.firstSeq || seq > this.lastSeq) {
      throw new RangeError(`frame ${seq} is not in this block of frames ${this.firstSeq} to ${this.lastSeq}`);
    }
    return seq - this.firstSeq;
  }

  #slice(from: number, to: number): string {
    return from === to ? "" : this.text.toString("latin1", from, to);
  }
}

/** Roughly the memory of the objects around a block's bytes. */
export const objectOverheadBytes = 2_048;

/** A finished block. */
export class RecordedBlock extends InMemoryBlock {
  readonly size: number;

  /** `raw`: the decompressed block. Throws `RangeError` if it does not hold `count` frames, or text that is not ASCII. */
  constructor(firstSeq: Seq, count: number, raw: Buffer) {
    const table = tableBytes(count);
    if (raw.length < table || raw.readUInt32LE(0) !== count || raw.readUInt32LE(4) !== table) {
      throw new RangeError(`it does not hold ${count} frames`);
    }
    // A copy, since a column of doubles needs an aligned address, which a Buffer may lack.
    const aligned = new ArrayBuffer(table);
    new Uint8Array(aligned).set(raw.subarray(0, table));
    const text = raw.subarray(table);
    // Frames are cut out of it by characters, and their length in bytes is the number of these.
    if (!isAscii(text)) throw new RangeError("its text is not ASCII");
    super(firstSeq, count, columnsOf(aligned, count), text, raw.length - table);
    this.size = raw.length + table + objectOverheadBytes;
  }
}
