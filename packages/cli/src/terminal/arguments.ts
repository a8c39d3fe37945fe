import {
  barIntervals,
  type ExportContent,
  exportContents,
  formatNames,
  parseBarInterval,
  parseRangeEnd,
  type RangeEnd,
  tapeIdPattern,
  unknownFormat,
} from "@tapedeck/tape";
import { InvalidArgumentError } from "commander";

/* Parsers of option values, for commander. Each throws an error that says what is accepted. */

export function count(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("It must be a whole number above 0.");
}

export function numberFrom(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = text.trim() === "" ? Number.NaN : Number(text);
    if (value >= least && value <= most) return value;
    throw new InvalidArgumentError(`It must be a number from ${least} to ${most}.`);
  };
}

/** The id of a new tape. */
export function tapeId(text: string): string {
  if (tapeIdPattern.test(text)) return text;
  throw new InvalidArgumentError(
    "It is not a valid tape id: use at most 100 letters, digits, _ . and -, not starting with . or -.",
  );
}

/** The format of a recording, or `auto`. */
export function recordingFormat(text: string): string {
  if (text === "auto" || formatNames.includes(text)) return text;
  throw new InvalidArgumentError(unknownFormat(text));
}

export function day(text: string): string {
  const date = new Date(`${text}T00:00:00Z`);
  if (/^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text))
    return text;
  throw new InvalidArgumentError("It must be a date such as 2024-07-18.");
}

/** Milliseconds of `100ms`, `1s`, `1.5s`, `250` or `0`. */
export function duration(text: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?)(ms|s)?$/.exec(text) ?? [];
  if (number === undefined) throw new InvalidArgumentError("It must be a duration such as 100ms, 1s or 0.");
  return Number(number) * (unit === "s" ? 1000 : 1);
}

const unitMs = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;

/** Milliseconds of an age such as `30d`, `12h`, `90m` or `2w`. */
export function age(text: string): number {
  const [, number, unit] = /^(\d{1,6}(?:\.\d{1,3})?)([mhdw])$/.exec(text) ?? [];
  if (number === undefined || !(unit === "m" || unit === "h" || unit === "d" || unit === "w")) {
    throw new InvalidArgumentError("It must be an age such as 30d, 12h, 90m or 2w.");
  }
  return Number(number) * unitMs[unit];
}

/** What to export, such as `trades,book`. */
export function contents(text: string): ExportContent[] {
  const names = new Set(text.split(",").map((name) => name.trim()));
  const known = exportContents.filter((content) => names.delete(content));
  if (names.size === 0 && known.length > 0) return known;
  throw new InvalidArgumentError(`It must be a list of ${exportContents.join(", ")}, separated by commas.`);
}

/** The beginning or end of a part of a tape. */
export function rangeEnd(text: string): RangeEnd {
  const end = parseRangeEnd(text);
  if (end !== undefined) return end;
  throw new InvalidArgumentError(
    "It must be a time in UTC such as 2024-08-08T23:54:15.5Z, or a frame such as seq:1000.",
  );
}

/** Nanoseconds of a bar's interval. */
export function barInterval(text: string): bigint {
  const ns = parseBarInterval(text);
  if (ns !== undefined) return ns;
  throw new InvalidArgumentError(`It must be ${barIntervals}.`);
}
