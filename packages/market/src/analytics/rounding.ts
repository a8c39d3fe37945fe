import { rounded } from "../frame/decimals.js";

/** Rounds a number for a frame; 0 if arithmetic on absurd input gave no finite number. */
export function roundedOrZero(value: number, decimals: number): number {
  if (!Number.isFinite(value)) return 0;
  const cut = rounded(value, decimals);
  return Number.isFinite(cut) ? cut : 0;
}

/**
 * Formats rounded numbers. Formatting a double costs more than computing it, so the texts of an ordinary range are cached on first
 * use.
 */
export class NumberTexts {
  readonly #decimals: number;
  readonly #scale: number;
  readonly #first: number;
  readonly #texts: (string | undefined)[];

  /** Texts from `low` to `high` are cached; others are formatted each time. */
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

/** Decimals of prices and price differences: float noise is smaller than this, and no venue's tick is. */
export const priceDecimals = 10;
