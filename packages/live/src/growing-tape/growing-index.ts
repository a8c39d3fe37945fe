import type { TapeNs } from "@tapedeck/protocol";
import type { RecordedTape, Seq, TapeIndex } from "@tapedeck/tape";
import type { Tail } from "./tail.js";

/** The index of a growing tape: the blocks of its parts, then those of its tail. Numbers hold until the tape changes. */
export class GrowingIndex implements TapeIndex {
  #parts: readonly RecordedTape[] = [];
  /** Number of each part's first block, and then that of the tail's. */
  #first: readonly number[] = [0];
  #tail: Tail;

  constructor(tail: Tail) {
    this.#tail = tail;
  }

  set(parts: readonly RecordedTape[], tail: Tail): void {
    this.#parts = parts;
    this.#tail = tail;
    const first = [0];
    for (const part of parts) first.push((first.at(-1) ?? 0) + part.index.blocks);
    this.#first = first;
  }

  get blocks(): number {
    return this.#inParts + this.#tail.length;
  }

  /** The part that holds a frame; undefined for one in the tail. Frames before the tape belong to its first part. */
  segmentOf(seq: Seq): RecordedTape | undefined {
    return this.#parts[this.#numberOf(seq)];
  }

  /** The last part that begins at or before a time; undefined where the tail does too, or all are later. */
  segmentAt(ns: TapeNs): RecordedTape | undefined {
    return this.#parts.findLast((part) => part.span.firstNs <= ns);
  }

  blockOf(seq: Seq): number {
    const number = this.#numberOf(seq);
    const part = this.#parts[number];
    if (part !== undefined) return (this.#first[number] ?? 0) + part.index.blockOf(seq);
    if (this.#tail.length === 0) return Math.max(0, this.#inParts - 1);
    return this.#inParts + Math.max(0, this.#tail.blockOf(seq));
  }

  firstSeq(block: number): Seq {
    const [part, at] = this.#locate(block);
    return part?.index.firstSeq(at) ?? this.#tail.at(at)?.firstSeq ?? 0;
  }

  lastSeq(block: number): Seq {
    const [part, at] = this.#locate(block);
    return part?.index.lastSeq(at) ?? this.#tail.at(at)?.lastSeq ?? 0;
  }

  firstNs(block: number): TapeNs {
    const [part, at] = this.#locate(block);
    return part?.index.firstNs(at) ?? this.#tail.at(at)?.firstNs ?? 0;
  }

  lastNs(block: number): TapeNs {
    const [part, at] = this.#locate(block);
    return part?.index.lastNs(at) ?? this.#tail.at(at)?.lastNs ?? 0;
  }

  trades(block: number): number {
    const [part, at] = this.#locate(block);
    return part?.index.trades(at) ?? this.#tail.at(at)?.tradeTotal ?? 0;
  }

  bookOnly(block: number): boolean {
    const [part, at] = this.#locate(block);
    if (part !== undefined) return part.index.bookOnly(at);
    const inTail = this.#tail.at(at);
    return inTail !== undefined && inTail.tradeTotal === 0 && inTail.flags === 0;
  }

  get #inParts(): number {
    return this.#first.at(-1) ?? 0;
  }

  /** Number of the part that holds a frame; as many as there are for one beyond them. */
  #numberOf(seq: Seq): number {
    if (seq >= this.#tail.firstSeq) return this.#parts.length;
    let low = 0;
    let high = this.#parts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((this.#parts[middle]?.span.firstSeq ?? 0) <= seq) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** The part a block lies in and its number there; without a part, its number in the tail. */
  #locate(block: number): [part: RecordedTape | undefined, at: number] {
    if (block >= this.#inParts) return [undefined, block - this.#inParts];
    let low = 0;
    let high = this.#parts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((this.#first[middle] ?? 0) <= block) low = middle;
      else high = middle - 1;
    }
    return [this.#parts[low], block - (this.#first[low] ?? 0)];
  }
}
