import { tapeIdPattern } from "@tapedeck/tape";
import { InvalidArgumentError } from "commander";

/** Reads a whole number above 0. */
export function count(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("It has to be a whole number above 0.");
}

/** Reads a number of a range. */
export function numberFrom(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = text.trim() === "" ? Number.NaN : Number(text);
    if (value >= least && value <= most) return value;
    throw new InvalidArgumentError(`It has to be a number from ${least} to ${most}.`);
  };
}

/** Reads the id of a tape that is to be made. */
export function tapeId(text: string): string {
  if (tapeIdPattern.test(text)) return text;
  throw new InvalidArgumentError(
    "It cannot name a tape: use letters, digits, _ . and -, at most 100, not starting with . or -.",
  );
}

/** Reads a day of the calendar. */
export function day(text: string): string {
  const date = new Date(`${text}T00:00:00Z`);
  if (/^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text))
    return text;
  throw new InvalidArgumentError("It has to be a day such as 2024-07-18.");
}
