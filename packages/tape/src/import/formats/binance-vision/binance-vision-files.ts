import type { RecordingFile } from "../../input/recording-file.js";
import { Header } from "../csv/csv-header.js";

/**
 * https://github.com/binance/binance-public-data: what a file holds. Its header tells, or, since spot files and older ones of futures have
 * none, the form of its first row. Only futures lack the column for the best match.
 */
export type VisionContent = "trades" | "aggTrades" | "bookTicker";

export interface VisionLayout {
  readonly content: VisionContent;
  readonly futures: boolean;
  /** Names of the columns, as files with a header call them. */
  readonly columns: readonly string[];
  readonly hasHeader: boolean;
}

const trades = ["id", "price", "qty", "quote_qty", "time", "is_buyer_maker"];
const aggTrades = [
  "agg_trade_id",
  "price",
  "quantity",
  "first_trade_id",
  "last_trade_id",
  "transact_time",
  "is_buyer_maker",
];
const bookTicker = [
  "update_id",
  "best_bid_price",
  "best_bid_qty",
  "best_ask_price",
  "best_ask_qty",
  "transaction_time",
  "event_time",
];
const bestMatch = "is_best_match";

const number = String.raw`\d+(?:\.\d+)?(?:[eE][+-]?\d+)?`;
const time = String.raw`\d{13}(?:\d{3})?`;
const flag = "(?:true|false)";
const rowOf = (...parts: readonly string[]) => new RegExp(`^${parts.join(",")}$`, "i");
const layouts: readonly { row: RegExp; content: VisionContent; futures: boolean; columns: readonly string[] }[] = [
  { content: "trades", futures: true, columns: trades, row: rowOf("\\d+", number, number, number, time, flag) },
  {
    content: "trades",
    futures: false,
    columns: [...trades, bestMatch],
    row: rowOf("\\d+", number, number, number, time, flag, flag),
  },
  {
    content: "aggTrades",
    futures: true,
    columns: aggTrades,
    row: rowOf("\\d+", number, number, "-?\\d+", "-?\\d+", time, flag),
  },
  {
    content: "aggTrades",
    futures: false,
    columns: [...aggTrades, bestMatch],
    row: rowOf("\\d+", number, number, "-?\\d+", "-?\\d+", time, flag, flag),
  },
  {
    content: "bookTicker",
    futures: true,
    columns: bookTicker,
    row: rowOf("\\d+", number, number, number, number, time, time),
  },
];

/** Undefined if it is none of Binance Vision's files that can become a tape. */
export function layoutOf({ head: [first = ""] }: RecordingFile): VisionLayout | undefined {
  const row = layouts.find((one) => one.row.test(first));
  if (row !== undefined) return { ...row, hasHeader: false };
  const header = new Header(first);
  const { names } = header;
  const futures = !header.has(bestMatch);
  // Futures settled in coins have `base_qty` instead.
  if (header.has(...trades.filter((name) => name !== "quote_qty")) && names.length === (futures ? 6 : 7)) {
    return { content: "trades", futures, columns: names, hasHeader: true };
  }
  if (header.has(...aggTrades)) return { content: "aggTrades", futures, columns: names, hasHeader: true };
  if (header.has(...bookTicker)) return { content: "bookTicker", futures: true, columns: names, hasHeader: true };
  return undefined;
}

const bookDepthRow = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,-?\d+(?:\.\d+)?,\d+(?:\.\d+)?,\d+(?:\.\d+)?$/;

/** Completes a sentence about a file of Binance Vision that is no recording of a market; undefined for any other. */
export function unsupportedVisionFile({ head: [first = ""] }: RecordingFile): string | undefined {
  const header = new Header(first);
  const accepted = "Binance Vision's bookTicker files are accepted as a book, its trades and aggTrades files as trades";
  if (header.has("timestamp", "percentage", "depth", "notional") || bookDepthRow.test(first)) {
    return `is a bookDepth file of Binance Vision, whose rows are sums of all sizes within some percent of the price, not levels of a book: ${accepted}`;
  }
  if (header.names[0] === "open_time" && header.has("open", "high", "low", "close")) {
    return `is a file of Binance Vision's klines, which have neither trades nor a book: ${accepted}`;
  }
  return undefined;
}

/** `BTCUSDT-trades-2024-05-31.csv`, `BTCUSD_PERP-aggTrades-2024-05.csv`. */
const fileName = /^(.+?)-(?:trades|aggTrades|bookTicker)-\d{4}-\d\d/i;

/** The market by the file's name, which is the only place that has it; undefined if the file was renamed. */
export function symbolOf({ name }: RecordingFile): string | undefined {
  return fileName.exec(name)?.[1]?.toUpperCase();
}
