import type { BookLevel } from "@tapedeck/market";
import { type Fields, isFields, parseJson, ScannedLevels } from "./fields.js";

/**
 * Like `parseJson`, but lists of levels, `"b":[["28145.10","3.818"],...]`, are read straight from the text and become `ScannedLevels`. Most of a
 * recording is levels, and JSON.parse makes an array and two texts of each. Lists in any other form, of other names and in other places than
 * the message or its `data` are left to it. Throws `BrokenLine`.
 */
export function parseMessage(text: string): Fields {
  const found: ScannedLevels[] = [];
  const keys: string[] = [];
  let rest = "";
  let from = 0;
  for (let at = text.indexOf(listStart); at >= 0; at = text.indexOf(listStart, from)) {
    const scan = new LevelScan(text, at + 1);
    const levels = scan.levels();
    const key = keyBefore(text, at);
    if (levels === undefined || key === undefined) return parseJson(text);
    keys.push(key);
    rest += `${text.slice(from, at + 1)}${placeholder(found.length)}`;
    found.push(new ScannedLevels(levels));
    from = scan.at;
  }
  if (found.length === 0) return parseJson(text);
  try {
    return filled(parseJson(rest + text.slice(from)), keys, found) ?? parseJson(text);
  } catch {
    return parseJson(text); // its message says where in the line the fault is
  }
}

const listStart = ':[["';

/** Stands for the nth list while the rest is parsed. */
function placeholder(nth: number): number {
  return -1 - nth;
}

/** The message with its lists in place; undefined if one is elsewhere. */
function filled(message: Fields, keys: readonly string[], found: readonly ScannedLevels[]): Fields | undefined {
  const data = isFields(message.data) ? message.data : message;
  if (keys.some((key, nth) => data[key] !== placeholder(nth))) return undefined;
  const whole = { ...data, ...Object.fromEntries(keys.map((key, nth) => [key, found[nth]])) };
  return data === message ? whole : { ...message, data: whole };
}

/** The key of levels whose value begins after the colon at `at`. */
function keyBefore(text: string, at: number): string | undefined {
  return /"([ab]|bids|asks)"$/.exec(text.slice(Math.max(0, at - 6), at))?.[1];
}

const [quote, comma, point, zero, nine, open, close] = [34, 44, 46, 48, 57, 91, 93] as const;
/** Numbers of so many digits are exact in a double, and so is one divided by a power of ten: the result is the one that `Number` gives. */
const mostDigits = 15;
const powers = Array.from({ length: mostDigits + 1 }, (_, decimals) => Number(`1e${decimals}`));

/** Reads a list of levels whose numbers are texts of digits, without spaces. */
class LevelScan {
  /** Where it is in the text; after the list once that was read. */
  at: number;
  readonly #text: string;

  constructor(text: string, at: number) {
    this.#text = text;
    this.at = at;
  }

  // HOT: once per level of an imported message.
  /** Undefined if the list is in another form. */
  levels(): BookLevel[] | undefined {
    const levels: BookLevel[] = [];
    this.at++;
    for (;;) {
      if (!this.#skip(open)) return undefined;
      const price = this.#number();
      if (!this.#skip(comma)) return undefined;
      const size = this.#number();
      if (!this.#skip(close) || Number.isNaN(price) || Number.isNaN(size)) return undefined;
      levels.push([price, size]);
      if (this.#skip(close)) return levels;
      if (!this.#skip(comma)) return undefined;
    }
  }

  #skip(char: number): boolean {
    if (this.#text.charCodeAt(this.at) !== char) return false;
    this.at++;
    return true;
  }

  /** A number like `"28145.10"`; NaN for any other text. */
  #number(): number {
    const text = this.#text;
    let at = this.at + 1;
    let units = 0;
    let digits = 0;
    let pointAt = -1;
    let char = text.charCodeAt(at);
    for (; char !== quote; char = text.charCodeAt(++at)) {
      if (char === point && pointAt < 0) pointAt = at;
      else if (char >= zero && char <= nine) {
        units = 10 * units + (char - zero);
        digits++;
      } else return Number.NaN;
    }
    if (text.charCodeAt(this.at) !== quote || digits === 0 || digits > mostDigits) return Number.NaN;
    this.at = at + 1;
    return pointAt < 0 ? units : units / (powers[at - 1 - pointAt] ?? Number.NaN);
  }
}
