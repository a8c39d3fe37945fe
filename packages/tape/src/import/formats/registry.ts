import type { Format } from "../format.js";
import { ImportRefused } from "../import-errors.js";
import type { RecordingFile } from "../recording-file.js";
import { binance } from "./binance.js";
import { binanceArchiver } from "./binance-archiver.js";
import { cryptofeed } from "./cryptofeed.js";
import { csv } from "./csv.js";
import { hyperliquid } from "./hyperliquid.js";
import { lobster } from "./lobster.js";
import { tardis } from "./tardis.js";

/** In the order in which they are tried: the more particular ones first. */
export const formats: readonly Format[] = [hyperliquid, binance, cryptofeed, binanceArchiver, tardis, csv, lobster];

export const formatNames: readonly string[] = formats.map(({ name }) => name);

/** Files by the format they are in, judged by content, or all in the one that was asked for. Throws `ImportRefused`. */
export function sortByFormat(files: readonly RecordingFile[], asked = "auto"): Map<Format, RecordingFile[]> {
  const sorted = new Map<Format, RecordingFile[]>();
  for (const file of files) {
    const format =
      asked === "auto" ? formats.find((one) => one.recognises(file)) : formats.find(({ name }) => name === asked);
    if (format === undefined) {
      throw new ImportRefused(
        asked === "auto"
          ? `${file.name} is no recording in a format known here (${formatNames.join(", ")}).`
          : `There is no format ${asked}; known are auto, ${formatNames.join(", ")}.`,
      );
    }
    if (!format.recognises(file)) throw new ImportRefused(`${file.name} is not in the format ${format.name}.`);
    sorted.set(format, [...(sorted.get(format) ?? []), file]);
  }
  return sorted;
}
