import type { TapeNs } from "@tapedeck/protocol";
import type { Seq } from "../tape.js";

/** What the index says of one block. */
interface BlockRecord {
  readonly firstSeq: Seq;
  readonly firstNs: TapeNs;
  readonly lastNs: TapeNs;
  /** Where it lies in the blocks' file. */
  readonly offset: number;
  readonly count: number;
  readonly length: number;
  readonly rawLength: number;
  /** Of the compressed bytes. */
  readonly crc32: number;
  readonly trades: number;
  /** Number of the first event that is not before this block. */
  readonly firstEvent: number;
  /** Bit n: an event whose type's number is n modulo 32 lies in this block. */
  readonly eventTypes: number;
  readonly flags: number;
}

/** Flags of a block. */
export const hasAnomalies = 1;
export const hasGaps = 2;

/** A record: four doubles, then eight 32-bit integers, little-endian, in the order of `BlockRecord`. */
export const recordBytes = 64;

export function encodeRecord(record: BlockRecord): Buffer {
  const bytes = Buffer.alloc(recordBytes);
  const floats = [record.firstSeq, record.firstNs, record.lastNs, record.offset];
  const integers = [
    record.count,
    record.length,
    record.rawLength,
    record.crc32,
    record.trades,
    record.firstEvent,
    record.eventTypes,
    record.flags,
  ];
  floats.forEach((value, at) => {
    bytes.writeDoubleLE(value, at * 8);
  });
  integers.forEach((value, at) => {
    bytes.writeUInt32LE(value, 32 + at * 4);
  });
  return bytes;
}

/** The index of a tape: the only part of it in memory that grows with its length, by 64 bytes a block. */
export class BlockIndex {
  readonly blocks: number;
  readonly #floats: Float64Array;
  readonly #integers: Uint32Array;

  constructor(bytes: Uint8Array) {
    const aligned = new ArrayBuffer(bytes.length);
    new Uint8Array(aligned).set(bytes);
    this.blocks = bytes.length / recordBytes;
    this.#floats = new Float64Array(aligned);
    this.#integers = new Uint32Array(aligned);
  }

  /** The block holding `seq`; the first or last one where the tape begins later or ends before. */
  blockOf(seq: Seq): number {
    return this.#lastUpTo(0, seq);
  }

  /** The last block that begins at or before `ns`; the first one where all are later. */
  blockAt(ns: TapeNs): number {
    return this.#lastUpTo(1, ns);
  }

  firstSeq(block: number): Seq {
    return this.#floats[block * 8] ?? 0;
  }

  lastSeq(block: number): Seq {
    return this.firstSeq(block) + this.count(block) - 1;
  }

  firstNs(block: number): TapeNs {
    return this.#floats[block * 8 + 1] ?? 0;
  }

  lastNs(block: number): TapeNs {
    return this.#floats[block * 8 + 2] ?? 0;
  }

  offset(block: number): number {
    return this.#floats[block * 8 + 3] ?? 0;
  }

  count(block: number): number {
    return this.#integers[block * 16 + 8] ?? 0;
  }

  length(block: number): number {
    return this.#integers[block * 16 + 9] ?? 0;
  }

  rawLength(block: number): number {
    return this.#integers[block * 16 + 10] ?? 0;
  }

  crc32(block: number): number {
    return this.#integers[block * 16 + 11] ?? 0;
  }

  trades(block: number): number {
    return this.#integers[block * 16 + 12] ?? 0;
  }

  firstEvent(block: number): number {
    return this.#integers[block * 16 + 13] ?? 0;
  }

  /** Whether an event of the type with this number may lie in the block. */
  mayHoldEvent(block: number, type: number): boolean {
    return ((this.#integers[block * 16 + 14] ?? 0) & (1 << (type % 32))) !== 0;
  }

  flags(block: number): number {
    return this.#integers[block * 16 + 15] ?? 0;
  }

  /** Nothing in the block outlives its merging into a later frame: neither trades nor anomalies nor gaps. */
  bookOnly(block: number): boolean {
    return this.trades(block) === 0 && this.flags(block) === 0;
  }

  #lastUpTo(column: number, limit: number): number {
    let low = 0;
    let high = this.blocks - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((this.#floats[middle * 8 + column] ?? 0) <= limit) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}
