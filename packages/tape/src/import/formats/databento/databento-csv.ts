import type { BookLevel } from "@tapedeck/market";
import type { SourceEvent } from "../../events/source-event.js";
import { BrokenLine } from "../../import-errors.js";
import type { RecordingFile } from "../../input/recording-file.js";
import { numberOf, sizeOf, wholeOf } from "../../messages/fields.js";
import { Header } from "../csv/csv-header.js";
import { rowTime } from "../csv/csv-time.js";
import type { LineParser, ReadContext } from "../format.js";
import type { OrderId } from "../resting-orders.js";
import { DatabentoEvents } from "./events.js";
import { type DatabentoRecord, noPrice, noTime, priceOfBillionths, type Schema } from "./record.js";

const common = ["ts_event", "rtype", "publisher_id", "instrument_id", "side", "price", "size", "flags"];
/** By the number of its records' type, what a CSV without actions has: the best prices at the end of each second. */
const withoutActions: Readonly<Record<string, Schema>> = { 192: "cbbo-1s", 195: "bbo-1s" };

/** A price in billionths is larger: this is a thousandth of a currency unit. A smaller one is a decimal that is whole. */
const smallestBillionths = 1_000_000;

/** Undefined if the file is not a CSV of Databento's. */
export function csvSchema({ head: [first = "", ...rows] }: RecordingFile): Schema | undefined {
  const header = new Header(first);
  if (!header.has(...common)) return undefined;
  if (!header.has("action")) return withoutActions[rows[0]?.split(",")[header.names.indexOf("rtype")] ?? ""];
  if (header.has("order_id")) return "mbo";
  if (!header.has("bid_px_00")) return "trades";
  if (header.has("bid_px_01")) return "mbp-10";
  const place = header.names.indexOf("action");
  const traded = rows.every((row) => row === "" || row.split(",")[place] === "T");
  if (header.has("bid_pb_00")) return traded ? "tcbbo" : "cmbp-1";
  return traded ? "tbbo" : "mbp-1";
}

/** Rows of a CSV: prices as decimals or in billionths, times as ISO 8601 or in nanoseconds, with or without the symbol. */
export class DatabentoRows implements LineParser {
  /** Equal rows are separate trades or orders: Databento repeats none. */
  readonly keepsRepeated = true;
  readonly #header: Header;
  readonly #headerLine: string;
  readonly #events: DatabentoEvents;
  readonly #decimalPrices: boolean;
  /** Column numbers. */
  readonly #place: (name: string) => number;
  readonly #levels: readonly LevelPlaces[];
  readonly #hasSymbol: boolean;
  readonly #hasOrders: boolean;
  readonly #hasActions: boolean;
  readonly #numbered: boolean;

  constructor(file: RecordingFile, reading: ReadContext) {
    this.#headerLine = file.head[0] ?? "";
    this.#header = new Header(this.#headerLine);
    this.#events = new DatabentoEvents(file.name, reading);
    const places = new Map(this.#header.names.map((name, place) => [name, place]));
    this.#place = (name) => places.get(name) ?? -1;
    this.#levels = levelPlaces(this.#header, this.#place);
    this.#hasSymbol = this.#header.has("symbol");
    this.#hasOrders = this.#header.has("order_id");
    this.#hasActions = this.#header.has("action");
    this.#numbered = this.#header.has("sequence");
    this.#decimalPrices = this.#hasDecimals(file.head.slice(1));
  }

  line(text: string, out: SourceEvent[]): void {
    if (text === this.#headerLine) return;
    const row = this.#header.split(text);
    const value = (name: string) => row[this.#place(name)] ?? "";
    const symbol = this.#hasSymbol ? value("symbol") : "";
    this.#events.push(
      {
        publisherId: wholeOf(value("publisher_id"), "publisher_id"),
        instrumentId: wholeOf(value("instrument_id"), "instrument_id"),
        symbol: symbol === "" ? undefined : symbol,
        // Without an action it is the time of the last trade, and the book is that of the receive time.
        eventNs: this.#hasActions ? timeOf(value("ts_event"), "ts_event") : undefined,
        receivedNs: timeOf(value("ts_recv"), "ts_recv"),
        action: this.#hasActions ? value("action") : "N",
        side: value("side"),
        price: this.#price(value("price"), "price"),
        size: sizeOf(value("size"), "size"),
        flags: wholeOf(value("flags"), "flags"),
        sequence: this.#numbered ? wholeOf(value("sequence"), "sequence") : undefined,
        book: this.#hasOrders ? { orderId: orderIdOf(value("order_id")) } : this.#book(row),
      },
      out,
    );
  }

  end(out: SourceEvent[]): void {
    this.#events.end(out);
  }

  #book(row: readonly string[]): DatabentoRecord["book"] {
    const depth = this.#levels.length;
    return depth === 0 ? undefined : { bids: this.#side(row, "bid"), asks: this.#side(row, "ask"), depth };
  }

  #side(row: readonly string[], side: "bid" | "ask"): BookLevel[] {
    const levels: BookLevel[] = [];
    for (const level of this.#levels) {
      const { price, size } = level[side];
      const at = this.#price(row[price] ?? "", `a price of the ${side}s`);
      // A thin book has fewer levels than columns.
      if (at !== undefined) levels.push([at, sizeOf(row[size], `a size of the ${side}s`)]);
    }
    return levels;
  }

  /** Undefined if there is none. */
  #price(text: string, name: string): number | undefined {
    if (text === "") return undefined;
    if (this.#decimalPrices) return numberOf(text, name);
    if (!/^-?\d{1,19}$/.test(text)) {
      throw new BrokenLine(`${name} is not a whole number of billionths, as the first rows have it: "${text}"`);
    }
    const billionths = BigInt(text);
    return billionths === noPrice ? undefined : numberOf(priceOfBillionths(billionths), name);
  }

  /** A file's prices are all decimals or all billionths: the first one tells. */
  #hasDecimals(rows: readonly string[]): boolean {
    const names = ["price", ...this.#header.names.filter((name) => /^(bid|ask)_px_\d\d$/.test(name))];
    for (const text of rows) {
      const row = text.split(",");
      for (const name of names) {
        const price = row[this.#place(name)] ?? "";
        if (/^-?\d*\.\d+$/.test(price)) return true;
        // A price of 0 tells nothing.
        if (/^-?0*[1-9]\d*$/.test(price)) return Math.abs(Number(price)) < smallestBillionths;
      }
    }
    return false;
  }
}

type LevelPlaces = Readonly<Record<"bid" | "ask", { readonly price: number; readonly size: number }>>;

function levelPlaces(header: Header, place: (name: string) => number): LevelPlaces[] {
  const places: LevelPlaces[] = [];
  for (let level = 0; ; level++) {
    const number = String(level).padStart(2, "0");
    const [bidPrice, bidSize, askPrice, askSize] = [`bid_px_`, `bid_sz_`, `ask_px_`, `ask_sz_`].map(
      (name) => name + number,
    );
    if (!bidPrice || !bidSize || !askPrice || !askSize) return places;
    if (!header.has(bidPrice, bidSize, askPrice, askSize)) return places;
    places.push({
      bid: { price: place(bidPrice), size: place(bidSize) },
      ask: { price: place(askPrice), size: place(askSize) },
    });
  }
}

function orderIdOf(text: string): OrderId {
  if (!/^\d{1,20}$/.test(text)) throw new BrokenLine(`order_id is not a number: "${text}"`);
  const id = Number(text);
  return Number.isSafeInteger(id) ? id : BigInt(text);
}

/** Undefined if there is none. */
function timeOf(text: string, name: string): bigint | undefined {
  if (text === "" || text === String(noTime)) return undefined;
  // HOT: twice a row. The usual form needs no pattern but this.
  if (/^\d{19}$/.test(text)) return BigInt(text);
  const { ns } = rowTime(text, name);
  return ns;
}
