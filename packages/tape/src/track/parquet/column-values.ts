import { maxSpread } from "./differences.js";

/** Whole numbers as what they exceed a first one by; NaN where there is none. Doubles hold times in nanoseconds only so. */
export interface Offsets {
  readonly base: bigint;
  readonly offsets: Float64Array;
}

/** Texts of which there are few, each row by its place among them. */
export interface CodedTexts {
  readonly codes: Uint8Array;
  readonly texts: readonly string[];
}

/** What the encoding of a column depends on. */
export interface ColumnForm {
  readonly name: string;
  readonly optional?: boolean;
  readonly indexed?: boolean;
  readonly encoding?: "differences";
}

/**
 * The values of a column, one a row, without an object for each: whole numbers below 2^53 (NaN for none), larger ones, flags (0 or 1), texts. A list
 * of texts is for columns of few rows.
 */
export type TypedValues = Float64Array | Offsets | BigInt64Array | Uint8Array | CodedTexts | readonly string[];

/** Times as offsets from the first of them; undefined if they are too far apart for doubles. */
export function offsetsOf(times: readonly bigint[]): Offsets | undefined {
  const [base = 0n] = times;
  const offsets = Float64Array.from(times, (time) => Number(time - base));
  return offsets.every((offset) => Math.abs(offset) < maxSpread / 2) ? { base, offsets } : undefined;
}
