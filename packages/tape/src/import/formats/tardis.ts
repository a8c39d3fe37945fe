import type { BookLevel } from "@tapedeck/market";
import { isoOfNs } from "@tapedeck/protocol";
import type { Instrument, SourceEvent } from "../events/source-event.js";
import { BrokenLine, ImportRefused } from "../import-errors.js";
import type { RecordingFile } from "../input/recording-file.js";
import { epochTime, numberOf, shown, sizeOf, textOf } from "../messages/fields.js";
import { Header } from "./csv/csv-header.js";
import type { Format, ReadContext } from "./format.js";
import { type LineParser, lineStream } from "./format.js";

const common = ["exchange", "symbol", "timestamp", "local_timestamp"];

/** A file's content by its header. */
type Content = "trades" | "quotes" | "snapshots" | "updates";

export const tardis: Format = {
  name: "tardis",
  about: "Tardis.dev's CSV, and Parquet with its columns: incremental_book_L2, book_snapshot_5 and _25, trades, quotes",
  recognises: ({ head: [first = ""] }) => new Header(first).has(...common),
  streams: (files, reading) =>
    deepestBooks(files, reading).map((file) => lineStream(file, new TardisRows(file), reading)),
};

function contentOf(file: RecordingFile): Content {
  const header = new Header(file.head[0] ?? "");
  if (header.has("is_snapshot", "side", "price", "amount")) return "updates";
  if (header.has("asks[0].price", "bids[0].price")) return "snapshots";
  if (header.has("ask_price", "bid_price")) return "quotes";
  if (header.has("side", "price", "amount")) return "trades";
  throw new ImportRefused(`${file.name} is a Tardis file with neither a book nor trades.`);
}

/** A market's book often comes in several depths; only the deepest is used. */
function deepestBooks(files: readonly RecordingFile[], reading: ReadContext): RecordingFile[] {
  const depths = new Map<string, number>();
  const ranked = files.map((file) => {
    const content = contentOf(file);
    const [exchange, symbol] = file.head[1]?.split(",") ?? [];
    const depth = { updates: Number.POSITIVE_INFINITY, snapshots: file.head[0]?.length ?? 0, quotes: 1, trades: 0 };
    const market = `${exchange} ${symbol}`;
    depths.set(market, Math.max(depths.get(market) ?? 0, depth[content]));
    return { file, content, market, depth: depth[content] };
  });
  return ranked.flatMap(({ file, content, market, depth }) => {
    if (content === "trades" || depth === depths.get(market)) return [file];
    reading.notice(`${file.name} was left out: another file has a deeper book of ${market}.`);
    return [];
  });
}

interface Group {
  readonly key: string;
  readonly event: { readonly instrument: Instrument; readonly ns: bigint; readonly receivedNs: bigint };
  readonly bids: BookLevel[];
  readonly asks: BookLevel[];
  readonly snapshot: boolean;
}

class TardisRows implements LineParser {
  readonly #header: Header;
  readonly #headerLine: string;
  readonly #content: Content;
  /** Levels of a side that a row has columns for. */
  readonly #depth: number;
  readonly #instruments = new Map<string, Instrument>();
  /** The rows of one message, which share both times. */
  #open: Group | undefined;

  constructor(file: RecordingFile) {
    this.#headerLine = file.head[0] ?? "";
    this.#header = new Header(this.#headerLine);
    this.#content = contentOf(file);
    this.#depth = this.#content === "quotes" ? 1 : levelsOf(this.#header);
  }

  line(text: string, out: SourceEvent[]): void {
    if (text === this.#headerLine) return;
    const row = this.#header.split(text);
    if (this.#content === "updates") this.#level(row, out);
    else if (this.#content === "trades") out.push(this.#trade(row));
    else {
      out.push({
        kind: "snapshot",
        ...this.#eventBase(row),
        bids: this.#side(row, "bid"),
        asks: this.#side(row, "ask"),
        depth: this.#depth,
      });
    }
  }

  end(out: SourceEvent[]): void {
    if (this.#open === undefined) return;
    const { event, bids, asks, snapshot } = this.#open;
    out.push({ kind: snapshot ? "snapshot" : "diff", ...event, bids, asks });
    this.#open = undefined;
  }

  #level(row: readonly string[], out: SourceEvent[]): void {
    const value = (name: string) => this.#header.value(row, name);
    const key = ["symbol", "timestamp", "local_timestamp", "is_snapshot"].map(value).join();
    const level: BookLevel = [numberOf(value("price"), "price"), sizeOf(value("amount"), "amount")];
    const side = value("side");
    if (side !== "bid" && side !== "ask") throw new BrokenLine(`side is neither bid nor ask: ${shown(side)}`);
    if (this.#open?.key !== key) {
      const event = this.#eventBase(row);
      this.end(out);
      this.#open = { key, event, bids: [], asks: [], snapshot: value("is_snapshot") === "true" };
    }
    (side === "bid" ? this.#open.bids : this.#open.asks).push(level);
  }

  #side(row: readonly string[], side: "bid" | "ask"): BookLevel[] {
    const levels: BookLevel[] = [];
    for (let place = 0; place < this.#depth; place++) {
      const [price, amount] = this.#levelNames(side, place).map((name) => this.#header.value(row, name));
      if (price === "") break; // a thin book has fewer levels than columns
      levels.push([numberOf(price, "price"), sizeOf(amount, "amount")]);
    }
    return levels;
  }

  #levelNames(side: "bid" | "ask", place: number): [string, string] {
    return this.#content === "quotes" ? [`${side}_price`, `${side}_amount`] : levelNames(side, place);
  }

  #trade(row: readonly string[]): SourceEvent {
    const value = (name: string) => this.#header.value(row, name);
    const base = this.#eventBase(row);
    const side = value("side");
    return {
      kind: "trade",
      ...base,
      ...(value("id") === "" ? {} : { id: value("id") }),
      timestamp: isoOfNs(base.ns, base.instrument.decimals),
      price: numberOf(value("price"), "price"),
      size: numberOf(value("amount"), "amount"),
      side: side === "buy" || side === "sell" ? side : "unknown",
    };
  }

  #eventBase(row: readonly string[]) {
    const { ns, decimals } = epochTime(this.#header.value(row, "timestamp"), "timestamp");
    const symbol = textOf(this.#header.value(row, "symbol"), "symbol");
    const source = textOf(this.#header.value(row, "exchange"), "exchange").toUpperCase();
    // Parquet may have them as nanoseconds, but they are whole microseconds.
    const exact = decimals === 9 && ns % 1_000n === 0n ? 6 : decimals;
    const instrument = this.#instruments.get(symbol) ?? { symbol, source, decimals: exact };
    this.#instruments.set(symbol, instrument);
    return { instrument, ns, receivedNs: epochTime(this.#header.value(row, "local_timestamp"), "local_timestamp").ns };
  }
}

function levelNames(side: "bid" | "ask", place: number): [string, string] {
  return [`${side}s[${place}].price`, `${side}s[${place}].amount`];
}

/** Levels for which both sides have columns. */
function levelsOf(header: Header): number {
  let levels = 0;
  while (header.has(...levelNames("bid", levels), ...levelNames("ask", levels))) levels++;
  return levels;
}
