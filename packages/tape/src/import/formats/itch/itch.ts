import { ImportRefused } from "../../import-errors.js";
import type { RecordingFile } from "../../input/recording-file.js";
import type { Format, ReadContext } from "../format.js";
import { midnightInNewYork } from "../new-york.js";
import { recordStream } from "../record-stream.js";
import { isEarlierItch, isItch } from "./layouts.js";
import { ItchReader } from "./reader.js";

export const itch: Format = {
  name: "itch",
  about: "Nasdaq's TotalView-ITCH 5.0 files: every order of every stock of a day",
  recognises: ({ beginning }) => isItch(beginning),
  streams: (files, reading) =>
    files.map((file) => {
      const source = sourceOf(file.name);
      const midnightNs = midnightInNewYork(dayOf(file, reading));
      return recordStream(file, new ItchReader(file, { source, midnightNs }, reading), reading);
    }),
};

/** Why a file of an earlier version cannot be imported; completes a sentence about the file. Undefined if it is another file. */
export function unsupportedItch({ beginning }: RecordingFile): string | undefined {
  return isEarlierItch(beginning) ? "is a file of ITCH 4.1 or earlier: ITCH 5.0 is accepted" : undefined;
}

/** Nasdaq's three markets have files alike; only the name tells which one it is. */
function sourceOf(name: string): string {
  const [, market] = /(?:^|[^a-z])(bx|psx)(?:[^a-z]|$)/i.exec(name) ?? [];
  if (market === undefined) return "NASDAQ";
  return market.toLowerCase() === "bx" ? "NASDAQ-TEXAS" : "NASDAQ-PSX"; // BX is called Nasdaq Texas now
}

/** YYYY-MM-DD. Messages have a time of the day; only the name tells which day. */
function dayOf({ name }: RecordingFile, { date }: ReadContext): string {
  const day = date ?? dayInName(name);
  if (day !== undefined) return day;
  throw new ImportRefused(`${name} does not name its day: give --date, for example 2019-01-30.`);
}

/** As Nasdaq names its files: 01302019.NASDAQ_ITCH50.gz, 20190530.BX_ITCH_50.gz, S013020-v50.txt.gz. */
function dayInName(name: string): string | undefined {
  const whole = /\d{4}-\d{2}-\d{2}/.exec(name)?.[0];
  if (whole !== undefined) return whole;
  const [digits = ""] = /(?<!\d)\d{8}(?!\d)/.exec(name) ?? [];
  for (const [, year, month, day] of [/^(20\d\d)(\d\d)(\d\d)$/.exec(digits) ?? []]) {
    if (Number(month) <= 12 && year !== undefined) return `${year}-${month}-${day}`;
  }
  const [, month, day, year] = /^(\d\d)(\d\d)(20\d\d)$/.exec(digits) ?? /^S(\d\d)(\d\d)(\d\d)-/i.exec(name) ?? [];
  return year === undefined ? undefined : `${year.padStart(4, "20")}-${month}-${day}`;
}
