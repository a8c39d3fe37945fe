import type { SeqRange } from "./export-range.js";
import type { RowTape } from "./row-source.js";

/** The columns that each row of a track has. */
export function marketOf({ source, symbol }: RowTape, rows: number) {
  return { exchange: new Array<string>(rows).fill(source), symbol: new Array<string>(rows).fill(symbol) };
}

/** How much of a range is done after a batch, 0 to 1. */
export function doneOf(
  { seq, rows }: { readonly seq: Float64Array; readonly rows: number },
  { from, to }: SeqRange,
): number {
  return Math.min(1, ((seq[rows - 1] ?? from) - from + 1) / (to - from + 1));
}

export function wholesOf(numbers: Float64Array): BigInt64Array {
  return BigInt64Array.from(numbers, BigInt);
}

/** Whole numbers; undefined for NaN, which is none. */
export function optionalWholesOf(numbers: Float64Array): (bigint | undefined)[] {
  return Array.from(numbers, (number) => (Number.isNaN(number) ? undefined : BigInt(number)));
}

export function textsOf(places: Uint8Array, texts: readonly string[]): (string | undefined)[] {
  return Array.from(places, (place) => texts[place]);
}
