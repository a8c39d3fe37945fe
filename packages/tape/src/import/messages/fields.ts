import type { BookLevel } from "@tapedeck/market";
import { nsOfIso, type TimeDecimals } from "@tapedeck/protocol";
import { BrokenLine } from "../import-errors.js";

/** Validates the fields of venues' messages. Each function throws `BrokenLine` naming the field. */

const longestShown = 80;

export type Fields = Readonly<Record<string, unknown>>;

export function parseJson(text: string): Fields {
  return fieldsOf(parseJsonValue(text), "the message");
}

/** Any JSON value: some venues send lists. */
export function parseJsonValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new BrokenLine(`not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}

export function fieldsOf(value: unknown, name: string): Fields {
  if (isFields(value)) return value;
  throw new BrokenLine(`${name} is not an object: ${shown(value)}`);
}

/** What was found, for the reason why a line is broken. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? "absent";
  return text.length <= longestShown ? text : `${text.slice(0, longestShown)}...`;
}

export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function listOf(value: unknown, name: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new BrokenLine(`${name} is not a list: ${shown(value)}`);
}

export function textOf(value: unknown, name: string): string {
  if (typeof value === "string" && value !== "") return value;
  throw new BrokenLine(`${name} is not a text: ${shown(value)}`);
}

/** One field of each object in a list, if it is a text. */
export function textsOf(value: unknown, field: string): string[] {
  return listOf(value, `the list of each ${field}`).flatMap((item) => {
    const text = isFields(item) ? item[field] : undefined;
    return typeof text === "string" && text !== "" ? [text] : [];
  });
}

/** Products of two numbers of this size are still finite. */
const largest = 1e18;

// HOT: twice for each level of an imported book.
/** A number, or a text that is one. */
export function numberOf(value: unknown, name: string): number {
  if (value !== "") {
    const number = typeof value === "string" ? Number(value) : value;
    if (typeof number === "number" && number <= largest && number >= -largest) return number;
  }
  throw new BrokenLine(`${name} is not a number: ${shown(value)}`);
}

export function wholeOf(value: unknown, name: string): number {
  const number = numberOf(value, name);
  if (Number.isSafeInteger(number)) return number;
  throw new BrokenLine(`${name} is not a whole number: ${number}`);
}

/** How many levels a side a book has: a number, or a text that is one. */
export function depthOf(value: unknown, name: string): number {
  const depth = wholeOf(value, name);
  if (depth >= 1) return depth;
  throw new BrokenLine(`${name} is not a number of levels: ${depth}`);
}

export function sizeOf(value: unknown, name: string): number {
  const size = numberOf(value, name);
  if (size >= 0) return size;
  throw new BrokenLine(`${name} is negative: ${size}`);
}

/** Valid levels, which `parseMessage` has read already. */
export class ScannedLevels {
  readonly levels: BookLevel[];

  constructor(levels: BookLevel[]) {
    this.levels = levels;
  }

  toJSON(): unknown {
    return this.levels;
  }
}

/** `[[price, size], ...]`, numbers or texts; or `ScannedLevels`. */
export function levelsOf(value: unknown, name: string): BookLevel[] {
  if (value instanceof ScannedLevels) return value.levels;
  const price = `a price in ${name}`;
  const size = `a size in ${name}`;
  return listOf(value, name).map((row) => {
    const level = listOf(row, name);
    return [numberOf(level[0], price), sizeOf(level[1], size)];
  });
}

/** A time since 1970 in whole milliseconds, microseconds or nanoseconds; its magnitude tells which. */
export function epochTime(value: unknown, name: string): { ns: bigint; decimals: TimeDecimals } {
  // HOT: once or twice for each line of a recording.
  if (typeof value === "number" && value >= 1e11 && value < 1e14 && Number.isInteger(value)) {
    return { ns: BigInt(value) * 1_000_000n, decimals: 3 };
  }
  const text = typeof value === "number" ? String(value) : value;
  if (typeof text !== "string" || !/^\d{12,19}$/.test(text)) {
    throw new BrokenLine(`${name} is not a time: ${shown(value)}`);
  }
  if (text.length <= 14) return { ns: BigInt(text) * 1_000_000n, decimals: 3 };
  if (text.length <= 17) return { ns: BigInt(text) * 1_000n, decimals: 6 };
  return { ns: BigInt(text), decimals: 9 };
}

/** An ISO 8601 UTC time. */
export function isoNs(value: unknown, name: string): bigint {
  const ns = typeof value === "string" ? nsOfIso(value) : undefined;
  if (ns === undefined) throw new BrokenLine(`${name} is not a time: ${shown(value)}`);
  return ns;
}

/** Seconds since 1970 with decimals, as text: a double would lose digits. */
export function secondsNs(text: string, name: string): bigint {
  const [, whole, fraction = ""] = /^(\d{1,11})(?:\.(\d{1,9})\d*)?$/.exec(text) ?? [];
  if (whole === undefined) throw new BrokenLine(`${name} is not a time: ${text}`);
  return BigInt(whole) * 1_000_000_000n + BigInt(fraction.padEnd(9, "0"));
}

/** How long before its receipt a book may have been sent. */
const promptNs = 2_000_000_000n;

/**
 * The time of a whole book, cut to `decimals` of a second: that of its newest change, if the book was sent soon after it. A quiet
 * market's newest change may be hours old, and then the time is that of receipt.
 */
export function wholeBookNs(changedNs: bigint | undefined, receivedNs: bigint, decimals: TimeDecimals): bigint {
  if (changedNs !== undefined && receivedNs - changedNs <= promptNs) return changedNs;
  return receivedNs - (receivedNs % 10n ** BigInt(9 - decimals));
}
