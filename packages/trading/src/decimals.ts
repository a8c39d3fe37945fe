import { RefusedError, refuse } from "@tapedeck/protocol";
import type { TrackDecimals } from "@tapedeck/tape";

/** An integer that counts the last decimal, as text with all decimals. */
export function fixed(units: number | bigint, decimals: number): string {
  const negative = units < 0;
  const digits = `${negative ? -BigInt(units) : BigInt(units)}`.padStart(decimals + 1, "0");
  const whole = digits.slice(0, digits.length - decimals);
  const text = decimals === 0 ? whole : `${whole}.${digits.slice(digits.length - decimals)}`;
  return negative ? `-${text}` : text;
}

/** The same without zeros at the end. */
export function trimmed(units: number | bigint, decimals: number): string {
  const text = fixed(units, decimals);
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

/**
 * A decimal in text as an integer that counts the last decimal.
 *
 * @param field what it is, for the refusal
 * @throws RefusedError INVALID_VALUE if it has more decimals than it may, or is too large
 */
export function unitsOf(field: string, text: string, decimals: number): number {
  const [whole = "", fraction = ""] = text.split(".");
  const significant = fraction.replace(/0+$/, "");
  if (significant.length > decimals) throw invalid(`${field}: must have at most ${decimals} decimals`);
  const units = Number(whole + significant.padEnd(decimals, "0"));
  if (!Number.isSafeInteger(units)) throw invalid(`${field}: is too large`);
  return units;
}

/**
 * An amount of the quote currency in text, in units of price times units of amount. Further decimals are cut off: what an order may cost is a limit.
 *
 * @throws RefusedError INVALID_VALUE if nothing is left of it
 */
export function quoteUnitsOf(field: string, text: string, { price, size }: TrackDecimals): bigint {
  const [whole = "", fraction = ""] = text.split(".");
  const decimals = price + size;
  const units = BigInt(whole + fraction.slice(0, decimals).padEnd(decimals, "0"));
  if (units === 0n) throw invalid(`${field}: must be more than 0, with at most ${decimals} decimals`);
  return units;
}

/** A rate in text, such as 0.0004, in hundred-millionths. */
export function rateOf(text: string): number {
  return Math.round(Number(text) * 1e8);
}

function invalid(message: string): RefusedError {
  return new RefusedError(refuse("INVALID_VALUE", `${message}. Nothing was changed.`));
}
