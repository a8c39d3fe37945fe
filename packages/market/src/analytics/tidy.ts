import { rounded } from "../decimals.js";

/** A number fit for a frame: so many decimals, and 0 where the arithmetic on absurd input left none. */
export function tidy(value: number, decimals: number): number {
  if (!Number.isFinite(value)) return 0;
  const cut = rounded(value, decimals);
  return Number.isFinite(cut) ? cut : 0;
}

export function between(low: number, value: number, high: number): number {
  return value > low ? Math.min(value, high) : low;
}

/** Prices and differences of prices: noise of doubles lies below this decimal, and no venue's tick does. */
export const priceDecimals = 10;
