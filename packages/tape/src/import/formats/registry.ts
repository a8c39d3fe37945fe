import { ImportRefused } from "../import-errors.js";
import type { OpenedRecording, RecordingFile, SkippedFile } from "../input/recording-file.js";
import { binance } from "./binance.js";
import { binanceArchiver } from "./binance-archiver.js";
import { binanceVision } from "./binance-vision/binance-vision.js";
import { unsupportedVisionFile } from "./binance-vision/binance-vision-files.js";
import { bybit } from "./bybit/bybit.js";
import { cryptofeed } from "./cryptofeed/cryptofeed.js";
import { unsupportedVenue } from "./cryptofeed/cryptofeed-venues.js";
import { csv } from "./csv/csv.js";
import { neededColumns } from "./csv/csv-columns.js";
import { databento, unsupportedDbn } from "./databento/databento.js";
import type { Format } from "./format.js";
import { hyperliquid } from "./hyperliquid.js";
import { itch, unsupportedItch } from "./itch/itch.js";
import { lobster } from "./lobster/lobster.js";
import { nautilus, unsupportedNautilus } from "./nautilus/nautilus.js";
import { nearestFormat, nearestName } from "./nearest-format.js";
import { tapedeck } from "./tapedeck/tapedeck.js";
import { tardis } from "./tardis.js";

/** In the order in which they are tried: specific formats first. */
export const formats: readonly Format[] = [
  hyperliquid,
  binance,
  cryptofeed,
  binanceArchiver,
  tapedeck,
  binanceVision,
  bybit,
  nautilus,
  tardis,
  databento,
  itch,
  csv,
  lobster,
];

/** Why a file cannot be imported although it is a recording, of those who know it. */
const unsupported = [unsupportedVenue, unsupportedDbn, unsupportedVisionFile, unsupportedItch, unsupportedNautilus];

export const formatNames: readonly string[] = formats.map(({ name }) => name);

export interface SortedRecording {
  readonly byFormat: ReadonlyMap<Format, readonly RecordingFile[]>;
  readonly skipped: readonly SkippedFile[];
}

/**
 * Groups files by format, judged by content, or puts all into the requested one. Files that are not recordings are skipped if they
 * were found in a folder or zip. Throws `ImportRefused` if such a file was named itself, or if no recording is left.
 */
export function sortByFormat({ files, skipped }: OpenedRecording, asked = "auto"): SortedRecording {
  if (asked !== "auto" && !formatNames.includes(asked)) {
    throw new ImportRefused(unknownFormat(asked));
  }
  const candidates = formats.filter(({ name }) => asked === "auto" || name === asked);
  const byFormat = new Map<Format, RecordingFile[]>();
  const left: SkippedFile[] = [...skipped];
  for (const file of files) {
    const reason = file.unreadable ?? unsupported.map((why) => why(file)).find((why) => why !== undefined);
    const format = reason === undefined ? candidates.find((one) => one.recognises(file)) : undefined;
    if (format !== undefined) byFormat.set(format, [...(byFormat.get(format) ?? []), file]);
    else if (file.named) throw new ImportRefused(`${file.name} ${reason ?? unknown(asked, file)}.`);
    else left.push({ path: file.path, reason: reason ?? "is not a recording" });
  }
  if (byFormat.size > 0) return { byFormat, skipped: left };
  const reasons = left.map(({ path, reason }) => `${path} ${reason}`).join("; ");
  throw new ImportRefused(`None of the files is a recording: ${reasons}. ${accepted}.`);
}

const accepted = `Known formats are ${formatNames.join(", ")}; a CSV of books needs ${neededColumns}; see docs/importing.md`;

/** Why the name of a format is refused. */
export function unknownFormat(name: string): string {
  const nearest = nearestName(name, formatNames);
  return `Unknown format ${name}${nearest === undefined ? "." : `: did you mean ${nearest}?`} Use auto, ${formatNames.join(", ")}.`;
}

function unknown(asked: string, file: RecordingFile): string {
  if (asked !== "auto") return `is not in the format ${asked}`;
  const nearest = nearestFormat(file);
  return `is not a recording in a known format${nearest === undefined ? "" : `: ${nearest}`}. ${accepted}`;
}
