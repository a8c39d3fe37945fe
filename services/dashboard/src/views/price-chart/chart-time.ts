import type { UTCTimestamp } from "lightweight-charts";

/** The chart takes seconds since 1970, with fractions. */
export function seconds(ms: number): UTCTimestamp {
  const value = ms / 1000;
  if (!isTimestamp(value)) throw new RangeError(`${ms} is not a valid time`);
  return value;
}

function isTimestamp(value: number): value is UTCTimestamp {
  return Number.isFinite(value);
}
