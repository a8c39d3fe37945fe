import { ImportRefused } from "../import-errors.js";

/** Nanoseconds since 1970 of a day's (YYYY-MM-DD) midnight in New York. */
export function midnightInNewYork(date: string): bigint {
  const utc = Date.parse(`${date}T00:00:00Z`);
  if (Number.isNaN(utc)) throw new ImportRefused(`${date} is not a date like 2012-06-21.`);
  // Not before it is needed: it takes 20 ms, and each process loads this file.
  const clock = new Intl.DateTimeFormat("en-US", { timeZone: "America/New_York", timeZoneName: "longOffset" });
  // Clocks change at 2 a.m., so the offset at 05:00 UTC (midnight or 1 a.m. in New York) is that of midnight.
  const offset = clock.formatToParts(new Date(utc + 5 * 3_600_000)).find(({ type }) => type === "timeZoneName")?.value;
  const hours = Number(/GMT([+-]\d{2})/.exec(offset ?? "")?.[1] ?? 0);
  return BigInt(utc - hours * 3_600_000) * 1_000_000n;
}
