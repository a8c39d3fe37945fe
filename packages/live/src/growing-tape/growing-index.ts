import type { TapeNs } from "@tapedeck/protocol";
import type { RecordedTape, Seq, TapeIndex } from "@tapedeck/tape";
import type { Tail } from "./tail.js";

/** The index of a growing tape: the blocks of its segments, then those of its tail. Block numbers hold until the tape changes. */
export class GrowingIndex implements TapeIndex {
  #segments: readonly RecordedTape[] = [];
  /** The number of each segment's first block, then that of the tail's. */
  #first: readonly number[] = [0];
  #tail: Tail;

  constructor(tail: Tail) {
    this.#tail = tail;
  }

  set(segments: readonly RecordedTape[], tail: Tail): void {
    this.#segments = segments;
    this.#tail = tail;
    const first = [0];
    for (const segment of segments) first.push((first.at(-1) ?? 0) + segment.index.blocks);
    this.#first = first;
  }

  get blocks(): number {
    return this.#segmentBlocks + this.#tail.length;
  }

  /** The segment of a frame; undefined for one in the tail. Frames before the tape belong to its first segment. */
  segmentOf(seq: Seq): RecordedTape | undefined {
    return this.#segments[this.#segmentNumber(seq)];
  }

  /** The last segment that begins at or before a time; undefined if all begin later. */
  segmentAt(ns: TapeNs): RecordedTape | undefined {
    return this.#segments.findLast((segment) => segment.span.firstNs <= ns);
  }

  blockOf(seq: Seq): number {
    const number = this.#segmentNumber(seq);
    const segment = this.#segments[number];
    if (segment !== undefined) return (this.#first[number] ?? 0) + segment.index.blockOf(seq);
    if (this.#tail.length === 0) return Math.max(0, this.#segmentBlocks - 1);
    return this.#segmentBlocks + Math.max(0, this.#tail.blockOf(seq));
  }

  firstSeq(block: number): Seq {
    const [segment, at] = this.#locate(block);
    return segment?.index.firstSeq(at) ?? this.#tail.at(at)?.firstSeq ?? 0;
  }

  lastSeq(block: number): Seq {
    const [segment, at] = this.#locate(block);
    return segment?.index.lastSeq(at) ?? this.#tail.at(at)?.lastSeq ?? 0;
  }

  firstNs(block: number): TapeNs {
    const [segment, at] = this.#locate(block);
    return segment?.index.firstNs(at) ?? this.#tail.at(at)?.firstNs ?? 0;
  }

  lastNs(block: number): TapeNs {
    const [segment, at] = this.#locate(block);
    return segment?.index.lastNs(at) ?? this.#tail.at(at)?.lastNs ?? 0;
  }

  trades(block: number): number {
    const [segment, at] = this.#locate(block);
    return segment?.index.trades(at) ?? this.#tail.at(at)?.tradeTotal ?? 0;
  }

  bookOnly(block: number): boolean {
    const [segment, at] = this.#locate(block);
    if (segment !== undefined) return segment.index.bookOnly(at);
    const inTail = this.#tail.at(at);
    return inTail !== undefined && inTail.tradeTotal === 0 && inTail.flags === 0;
  }

  get #segmentBlocks(): number {
    return this.#first.at(-1) ?? 0;
  }

  /** The number of the segment of a frame; for one in the tail, the number of segments. */
  #segmentNumber(seq: Seq): number {
    if (seq >= this.#tail.firstSeq) return this.#segments.length;
    let low = 0;
    let high = this.#segments.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((this.#segments[middle]?.span.firstSeq ?? 0) <= seq) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** The segment of a block and its number there; without a segment, its number in the tail. */
  #locate(block: number): [segment: RecordedTape | undefined, at: number] {
    if (block >= this.#segmentBlocks) return [undefined, block - this.#segmentBlocks];
    let low = 0;
    let high = this.#segments.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((this.#first[middle] ?? 0) <= block) low = middle;
      else high = middle - 1;
    }
    return [this.#segments[low], block - (this.#first[low] ?? 0)];
  }
}
