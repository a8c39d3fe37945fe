import type { Seq } from "@tapedeck/tape";
import { DigitCounter, mostDigits } from "./track-digits.js";
import { isEvent, isWholeBook, timestampOf, type UnstoredLine } from "./track-entry.js";
import type { TrackPart } from "./track-parts.js";

type RangeSummary = Omit<TrackPart, "id" | "claim" | "joined">;

/** Which entries lines have, for the name of their part. */
export class PartRange {
  readonly #firstN: number;
  readonly #firstSeq: Seq;
  #nextN: number;
  #lastSeq: Seq;
  #wholeSeq: Seq | undefined;
  #lastNs = 0n;
  readonly #digits = new DigitCounter();

  constructor({ n, seq }: Pick<UnstoredLine, "n" | "seq">) {
    this.#firstN = this.#nextN = n;
    this.#firstSeq = this.#lastSeq = seq;
  }

  /** That of ranges that follow on each other; undefined for none. */
  static of(ranges: readonly PartRange[]): { readonly summary: RangeSummary; readonly empty: boolean } | undefined {
    const all = ranges.map(({ summary }) => summary);
    const [first, last] = [all[0], all.at(-1)];
    if (first === undefined || last === undefined) return undefined;
    const summary = {
      ...{ firstN: first.firstN, nextN: last.nextN, firstSeq: first.firstSeq, lastSeq: last.lastSeq },
      wholeSeq: all.find(({ wholeSeq }) => wholeSeq !== undefined)?.wholeSeq,
      lastMs: Math.max(...all.map(({ lastMs }) => lastMs)),
      digits: mostDigits(all.map(({ digits }) => digits)),
    };
    return { summary, empty: summary.nextN === summary.firstN };
  }

  // HOT: once per message of a venue.
  add({ n, seq, entry }: UnstoredLine): void {
    this.#nextN = isEvent(entry) ? n + 1 : n;
    this.#lastSeq = seq;
    if (isWholeBook(entry)) this.#wholeSeq ??= seq;
    const ns = timestampOf(entry) ?? 0n;
    if (ns > this.#lastNs) this.#lastNs = ns;
    this.#digits.add(entry);
  }

  /** It has no event. */
  get empty(): boolean {
    return this.#nextN === this.#firstN;
  }

  get summary(): RangeSummary {
    return {
      ...{ firstN: this.#firstN, nextN: this.#nextN, firstSeq: this.#firstSeq, lastSeq: this.#lastSeq },
      wholeSeq: this.#wholeSeq,
      lastMs: Number((this.#lastNs + 999_999n) / 1_000_000n),
      digits: this.#digits.digits,
    };
  }
}
