import { dateText } from "../design/format";

/**
 * A time on the tape as people type it, in UTC: `12:03`, `12:03:04.5` (on the day of `nearMs`), `2023-04-05 12:03:04`, or an ISO time.
 * Undefined for what is no time.
 */
export function parseTapeTime(text: string, nearMs: number): number | undefined {
  const wanted = text.trim().replace("T", " ").replace(/Z$/, "");
  const [, date, hours, minutes, seconds = "0"] =
    /^(?:(\d{4}-\d{2}-\d{2}) )?(\d{1,2}):(\d{2})(?::(\d{2}(?:\.\d{1,9})?))?$/.exec(wanted) ?? [];
  if (hours === undefined || minutes === undefined) return undefined;
  if (Number(hours) > 23 || Number(minutes) > 59 || Number(seconds) >= 60) return undefined;
  const day = Date.parse(`${date ?? dateText(nearMs)}T00:00:00Z`);
  if (Number.isNaN(day)) return undefined;
  return day + Math.round(((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000);
}
