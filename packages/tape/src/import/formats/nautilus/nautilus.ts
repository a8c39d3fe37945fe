import type { Instrument } from "../../events/source-event.js";
import { ImportRefused } from "../../import-errors.js";
import type { RecordingFile } from "../../input/recording-file.js";
import type { Table } from "../../input/table/table.js";
import { type EventStream, type Format, lineStream, type ReadContext } from "../format.js";
import { DeltaRows } from "./delta-rows.js";
import { BookRows, TradeRows } from "./rows.js";

/** What a file of a catalog holds, and the columns that only such files have. */
const contents = {
  deltas: ["action", "side", "price", "size", "order_id", "flags"],
  depth10: ["bid_price_0", "bid_size_0", "ask_price_0", "ask_size_0"],
  quotes: ["bid_price", "bid_size", "ask_price", "ask_size"],
  trades: ["price", "size", "aggressor_side", "trade_id"],
} as const;
type Content = keyof typeof contents;

export const nautilus: Format = {
  name: "nautilus",
  about: "nautilus_trader's Parquet catalogs: order_book_delta, order_book_depth10, quote_tick and trade_tick",
  recognises: (file) => contentOf(file) !== undefined,
  streams: (files, reading) => deepestBooks(files, reading).map((known) => streamOf(known, reading)),
};

/** Why a file of a catalog cannot be imported; completes a sentence about the file. Undefined if it can, or if it is another file. */
export function unsupportedNautilus(file: RecordingFile): string | undefined {
  const { table } = file;
  const ofCatalog = table !== undefined && hasColumns(table, ["ts_event", "ts_init"]);
  if (!ofCatalog || contentOf(file) !== undefined) return undefined;
  return "is a file of nautilus_trader without a book or trades: order_book_delta, order_book_depth10, quote_tick and trade_tick are accepted";
}

function contentOf({ table }: RecordingFile): Content | undefined {
  if (table === undefined || !hasColumns(table, ["ts_event", "ts_init"])) return undefined;
  const all: readonly Content[] = ["deltas", "depth10", "quotes", "trades"];
  return all.find((content) => hasColumns(table, contents[content]));
}

function hasColumns({ columns }: Table, names: readonly string[]): boolean {
  return names.every((name) => columns.some((column) => column.name === name));
}

interface Known {
  readonly file: RecordingFile;
  readonly table: Table;
  readonly content: Content;
  readonly instrument: Instrument;
}

/** An instrument's book often comes in several depths; only the deepest is used. */
function deepestBooks(files: readonly RecordingFile[], reading: ReadContext): Known[] {
  const known = files.flatMap((file): Known[] => {
    const { table } = file;
    const content = contentOf(file);
    return table === undefined || content === undefined
      ? []
      : [{ file, table, content, instrument: instrumentOf(file, table, reading) }];
  });
  const depths = { deltas: 3, depth10: 2, quotes: 1, trades: 0 };
  return known.filter(({ file, content, instrument }) => {
    const ofMarket = known.filter(
      (other) => other.instrument.symbol === instrument.symbol && other.instrument.source === instrument.source,
    );
    const deepest = Math.max(...ofMarket.map((other) => depths[other.content]));
    if (content === "trades" || depths[content] === deepest) return true;
    reading.notice(`${file.name} was left out: another file has a deeper book of ${instrument.symbol}.`);
    return false;
  });
}

/** `BTCUSDT-PERP.BINANCE`: the venue follows the last dot. */
function instrumentOf({ name }: RecordingFile, { metadata }: Table, { symbol }: ReadContext): Instrument {
  const id = metadata.get("instrument_id") ?? metadata.get("identifier") ?? symbol;
  if (id === undefined) throw new ImportRefused(`${name} does not name its instrument: give --symbol.`);
  const dot = id.lastIndexOf(".");
  if (dot <= 0) return { symbol: id, source: "NAUTILUS", decimals: 9 };
  return { symbol: id.slice(0, dot), source: id.slice(dot + 1).toUpperCase() || "NAUTILUS", decimals: 9 };
}

function streamOf({ file, table, content, instrument }: Known, reading: ReadContext): EventStream {
  if (content === "deltas") return lineStream(file, new DeltaRows(table, instrument, reading), reading);
  if (content === "trades") return lineStream(file, new TradeRows(table, instrument), reading);
  return lineStream(file, new BookRows(table, instrument, content === "quotes" ? 1 : 10), reading);
}
