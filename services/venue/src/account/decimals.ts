/** A decimal number as an integer: `units` counts its last decimal. */
interface Scaled {
  readonly units: bigint;
  readonly decimals: number;
}

const plain = /^(-?)(\d+)(?:\.(\d+))?$/;

function scaled(text: string): Scaled {
  const [, sign = "", whole = "0", fraction = ""] = plain.exec(text) ?? [];
  return { units: BigInt(`${sign}${whole}${fraction}`), decimals: fraction.length };
}

function textOf({ units, decimals }: Scaled): string {
  if (decimals === 0) return `${units}`;
  const digits = `${units < 0n ? -units : units}`.padStart(decimals + 1, "0");
  const sign = units < 0n ? "-" : "";
  return `${sign}${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`;
}

// Exact arithmetic on decimals as text, which is how the venue's messages have them.

export function product(a: string, b: string): string {
  const [left, right] = [scaled(a), scaled(b)];
  return trimmed(textOf({ units: left.units * right.units, decimals: left.decimals + right.decimals }));
}

export function sum(...terms: readonly string[]): string {
  const all = terms.map(scaled);
  const decimals = Math.max(0, ...all.map((term) => term.decimals));
  const units = all.reduce((total, term) => total + term.units * 10n ** BigInt(decimals - term.decimals), 0n);
  return trimmed(textOf({ units, decimals }));
}

export function negated(text: string): string {
  return text.startsWith("-") ? text.slice(1) : isZero(text) ? text : `-${text}`;
}

/** a / b, cut off behind so many decimals; "0" if b is 0. */
export function quotient(a: string, b: string, decimals: number): string {
  const [left, right] = [scaled(a), scaled(b)];
  if (right.units === 0n) return "0";
  const units = (left.units * 10n ** BigInt(decimals + right.decimals)) / (right.units * 10n ** BigInt(left.decimals));
  return textOf({ units, decimals });
}

export function isZero(text: string): boolean {
  return scaled(text).units === 0n;
}

/** Below 0, 0, or above it, as a is less than b, equal, or more. */
export function compared(a: string, b: string): number {
  const difference = sum(a, negated(b));
  return isZero(difference) ? 0 : difference.startsWith("-") ? -1 : 1;
}

/** With at least so many decimals, as the venue writes them. */
export function withDecimals(text: string, decimals: number): string {
  const value = scaled(trimmed(text));
  if (value.decimals >= decimals) return textOf(value);
  return textOf({ units: value.units * 10n ** BigInt(decimals - value.decimals), decimals });
}

/** Without zeros behind the last decimal that counts. */
export function trimmed(text: string): string {
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

/** How many decimals count. */
export function decimalsOf(text: string): number {
  return scaled(trimmed(text)).decimals;
}

/** In units of the decimal, if it has no further ones and a double holds it exactly. */
export function unitsOf(text: string, decimals: number): number | undefined {
  const value = scaled(trimmed(text));
  if (value.decimals > decimals) return undefined;
  const units = Number(value.units * 10n ** BigInt(decimals - value.decimals));
  return Number.isSafeInteger(units) ? units : undefined;
}
