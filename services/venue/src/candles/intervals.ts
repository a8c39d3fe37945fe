import { BinanceError } from "../http/binance-error.js";

const minuteMs = 60_000;
const dayMs = 86_400_000;

/** The intervals of klines, in ms. A month's length differs. */
const lengths = {
  "1m": minuteMs,
  "3m": 3 * minuteMs,
  "5m": 5 * minuteMs,
  "15m": 15 * minuteMs,
  "30m": 30 * minuteMs,
  "1h": 60 * minuteMs,
  "2h": 120 * minuteMs,
  "4h": 240 * minuteMs,
  "6h": 360 * minuteMs,
  "8h": 480 * minuteMs,
  "12h": 720 * minuteMs,
  "1d": dayMs,
  "3d": 3 * dayMs,
  "1w": 7 * dayMs,
  "1M": Number.NaN,
} as const;

export type Interval = keyof typeof lengths;

export function isInterval(text: string): text is Interval {
  return Object.hasOwn(lengths, text);
}

/** @throws BinanceError -1120 */
export function intervalOf(text: string): Interval {
  if (isInterval(text)) return text;
  throw new BinanceError("BAD_INTERVAL", `Invalid interval: it must be one of ${Object.keys(lengths).join(", ")}.`);
}

/** 1970 began on a Thursday; weeks begin on Mondays. */
const mondayMs = 4 * dayMs;

/** When the interval of a time begins and ends, in ms since 1970 by UTC; the end is the beginning of the next one. */
export function boundsOf(interval: Interval, time: number): { readonly open: number; readonly end: number } {
  if (interval === "1M") {
    const date = new Date(time);
    const first = (month: number) => Date.UTC(date.getUTCFullYear(), month, 1);
    return { open: first(date.getUTCMonth()), end: first(date.getUTCMonth() + 1) };
  }
  const length = lengths[interval];
  const offset = interval === "1w" ? mondayMs : 0;
  const open = Math.floor((time - offset) / length) * length + offset;
  return { open, end: open + length };
}
