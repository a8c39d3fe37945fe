import { z } from "zod";

/** Milliseconds since 1970 on Redis's clock. */
export type WallMs = number;

/** Nanoseconds since the first frame of a tape: an integer, exact in a double for tapes of up to 104 days. */
export type TapeNs = number;

/** Decimals of a second in a source's times; its frames keep them. */
export type TimeDecimals = 3 | 6 | 9;

const isoSentence = "must be an ISO 8601 time in UTC, such as 2024-08-08T23:54:15.123Z";

export const isoTime = z
  .string()
  .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/, { error: isoSentence, abort: true })
  .refine(isOnTheCalendar, isoSentence);

/** False for 31 February, which `Date` would read as a day in March. */
function isOnTheCalendar(text: string): boolean {
  const second = text.slice(0, 19);
  const ms = Date.parse(`${second}Z`);
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(second);
}

/** Nanoseconds since 1970 of an ISO 8601 UTC time, or undefined if the text is not one. */
export function nsOfIso(text: string): bigint | undefined {
  if (!isoTime.safeParse(text).success) return undefined;
  const [whole = "", fraction = ""] = text.slice(0, -1).split(".");
  return BigInt(Date.parse(`${whole}Z`)) * 1_000_000n + BigInt(fraction.padEnd(9, "0"));
}

/** The last time that was made text: a frame, its trades and its analytics mostly have the same. */
let lastMs = 0;
let lastIso = new Date(lastMs).toISOString();

/** ISO 8601 UTC text of a time in nanoseconds since 1970, truncated to the source's decimals. */
export function isoOfNs(ns: bigint, decimals: TimeDecimals): string {
  const ms = Number(ns / 1_000_000n);
  const iso = ms === lastMs ? lastIso : new Date(ms).toISOString();
  [lastMs, lastIso] = [ms, iso];
  if (decimals === 3) return iso;
  const beyond = String(ns % 1_000_000n).padStart(6, "0");
  return `${iso.slice(0, -1)}${beyond.slice(0, decimals - 3)}Z`;
}

export function isoOfMs(ms: WallMs): string {
  return new Date(ms).toISOString();
}
