import { rounded } from "../frame/decimals.js";

/** A number fit for a frame: so many decimals, and 0 where the arithmetic on absurd input left none. */
export function roundedOrZero(value: number, decimals: number): number {
  if (!Number.isFinite(value)) return 0;
  const cut = rounded(value, decimals);
  return Number.isFinite(cut) ? cut : 0;
}

/**
 * Prints tidy numbers of which frames are full. Printing a double costs more than all that made it, so the texts of an ordinary
 * range are kept; each is made when it is first asked for.
 */
export class NumberTexts {
  readonly #decimals: number;
  readonly #scale: number;
  readonly #first: number;
  readonly #texts: (string | undefined)[];

  /** Texts from `low` to `high` are kept; others are printed each time. */
  constructor(low: number, high: number, decimals: number) {
    this.#decimals = decimals;
    this.#scale = 10 ** decimals;
    this.#first = low * this.#scale;
    this.#texts = new Array((high - low) * this.#scale + 1);
  }

  /** The text of `tidy(value, decimals)`. */
  of(value: number): string {
    const at = Math.round(value * this.#scale) - this.#first;
    const known = this.#texts[at];
    if (known !== undefined) return known;
    const text = `${roundedOrZero(value, this.#decimals)}`;
    if (at >= 0 && at < this.#texts.length) this.#texts[at] = text;
    return text;
  }
}

export function clamp(low: number, value: number, high: number): number {
  return value > low ? Math.min(value, high) : low;
}

/** Prices and differences of prices: noise of doubles lies below this decimal, and no venue's tick does. */
export const priceDecimals = 10;
