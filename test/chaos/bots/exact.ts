// Exact decimals for what the oracle adds up: of its own, so that it does not add as the product does.

const decimals = 24;
const one = 10n ** BigInt(decimals);

/** A decimal in text, as a whole number of 10^-24. */
export function exact(text: string): bigint {
  const [, sign, whole, fraction = ""] = /^(-?)(\d+)(?:\.(\d{1,24}))?$/.exec(text) ?? [];
  if (whole === undefined) throw new RangeError(`${text} is not a decimal`);
  const units = BigInt(whole + fraction.padEnd(decimals, "0"));
  return sign === "-" ? -units : units;
}

/** Exact as long as both together have at most 24 decimals. */
export function times(a: bigint, b: bigint): bigint {
  return (a * b) / one;
}

/** Cut off after so many decimals. */
export function cut(units: bigint, places: number): bigint {
  const step = 10n ** BigInt(decimals - places);
  return (units / step) * step;
}

export function shown(units: bigint): string {
  const digits = `${units < 0n ? -units : units}`.padStart(decimals + 1, "0");
  const text = `${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`.replace(/\.?0+$/, "");
  return units < 0n ? `-${text}` : text;
}
