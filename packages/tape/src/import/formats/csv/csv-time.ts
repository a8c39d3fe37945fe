import { nsOfIso, type TimeDecimals } from "@tapedeck/protocol";
import { epochTime, secondsNs } from "../../messages/fields.js";

export interface RowTime {
  readonly ns: bigint;
  readonly decimals: TimeDecimals;
}

/** `2024-01-02T09:00:00.5+02:00`: a local time and how far it is ahead of UTC. */
const isoWithOffset = /^(.+)([+-])(\d\d):?(\d\d)?$/;

/**
 * A row's time: ISO 8601 with or without an offset (none means UTC), a whole number of milli-, micro- or nanoseconds since 1970,
 * or seconds, with decimals or without. Throws `BrokenLine` with the column's name.
 */
export function rowTime(text: string, name = "the time"): RowTime {
  const iso = isoTimeNs(text);
  const fraction = /\.(\d+)/.exec(text)?.[1]?.length ?? 0;
  if (iso !== undefined) return { ns: iso, decimals: decimalsFor(fraction) };
  if (/^\d{9,10}(\.\d+)?$/.test(text)) return { ns: secondsNs(text, name), decimals: decimalsFor(fraction) };
  const [, ms, ofMs = ""] = /^(\d{12,14})\.(\d{1,6})\d*$/.exec(text) ?? [];
  if (ms === undefined) return epochTime(text, name);
  return { ns: BigInt(ms) * 1_000_000n + BigInt(ofMs.padEnd(6, "0")), decimals: /[1-9]/.test(ofMs) ? 6 : 3 };
}

function isoTimeNs(text: string): bigint | undefined {
  const spelled = text.replace(" ", "T");
  const utc = nsOfIso(spelled.replace(/(\+00:00|Z)?$/, "Z"));
  if (utc !== undefined) return utc;
  const [, local = "", sign, hours, minutes = "0"] = isoWithOffset.exec(spelled) ?? [];
  const ns = nsOfIso(`${local}Z`);
  if (ns === undefined) return undefined;
  const ahead = BigInt(Number(hours) * 60 + Number(minutes)) * 60_000_000_000n;
  return sign === "+" ? ns - ahead : ns + ahead;
}

function decimalsFor(fraction: number): TimeDecimals {
  return fraction <= 3 ? 3 : fraction <= 6 ? 6 : 9;
}
