import type { BookLevel } from "@tapedeck/market";
import type { Instrument, SourceEvent } from "../events/source-event.js";
import type { RecordingFile } from "../input/recording-file.js";
import { binanceTrade } from "../messages/binance-messages.js";
import { epochTime, numberOf, sizeOf, textOf, wholeOf } from "../messages/fields.js";
import { Header } from "./csv/csv-header.js";
import type { Format } from "./format.js";
import { type LineParser, lineStream } from "./format.js";

const depthColumns = ["TimestampOfReceive", "EventTime", "Symbol", "FirstUpdateId", "FinalUpdateId", "IsAsk", "Price"];
const tradeColumns = ["TimestampOfReceive", "TransactionTime", "Symbol", "TradeId", "Price", "IsBuyerMarketMaker"];

export const binanceArchiver: Format = {
  name: "binance-archiver",
  about: "Binance-Archiver's CSV: difference depth (one row per level) and trades, in separate files",
  recognises: ({ head: [first = ""] }) => {
    const header = new Header(first);
    return header.has(...depthColumns) || header.has(...tradeColumns);
  },
  streams: (files, reading) => files.map((file) => lineStream(file, parserOf(file), reading)),
};

function parserOf(file: RecordingFile): LineParser {
  const header = new Header(file.head[0] ?? "");
  // Rows don't name their market; the archiver's file names do.
  const source = /usd_?m|coin_?m|futures/i.test(file.name) ? "BINANCE-FUTURES" : "BINANCE";
  return header.has(...depthColumns) ? new DepthRows(header, source) : new TradeRows(header, source);
}

/** Base of both row parsers; caches the file's instrument. */
class Rows {
  protected readonly header: Header;
  readonly #source: string;
  #instrument: Instrument | undefined;

  constructor(header: Header, source: string) {
    this.header = header;
    this.#source = source;
  }

  protected instrument(symbol: string, decimals: Instrument["decimals"]): Instrument {
    if (this.#instrument?.symbol !== symbol) {
      this.#instrument = { symbol: textOf(symbol, "Symbol"), source: this.#source, decimals };
    }
    return this.#instrument;
  }

  protected isHeader(text: string): boolean {
    return text.startsWith("TimestampOfReceive,");
  }
}

interface Message {
  readonly id: string;
  readonly event: { readonly instrument: Instrument; readonly ns: bigint; readonly receivedNs: bigint };
  readonly ids: { readonly first: number; readonly last: number };
  readonly bids: BookLevel[];
  readonly asks: BookLevel[];
}

/** Rows with the same final update id are one message. */
class DepthRows extends Rows implements LineParser {
  #open: Message | undefined;

  line(text: string, out: SourceEvent[]): void {
    if (this.isHeader(text)) return;
    const row = this.header.split(text);
    const id = this.header.value(row, "FinalUpdateId");
    const level: BookLevel = [
      numberOf(this.header.value(row, "Price"), "Price"),
      sizeOf(this.header.value(row, "Quantity"), "Quantity"),
    ];
    const isAsk = wholeOf(this.header.value(row, "IsAsk"), "IsAsk") === 1;
    if (this.#open?.id !== id) {
      const next = this.#begin(row, id);
      this.end(out);
      this.#open = next;
    }
    (isAsk ? this.#open.asks : this.#open.bids).push(level);
  }

  end(out: SourceEvent[]): void {
    if (this.#open === undefined) return;
    const { event, ids, bids, asks } = this.#open;
    out.push({ kind: "diff", ...event, ids, bids, asks });
    this.#open = undefined;
  }

  #begin(row: readonly string[], id: string): Message {
    const { ns, decimals } = epochTime(this.header.value(row, "EventTime"), "EventTime");
    const received = epochTime(this.header.value(row, "TimestampOfReceive"), "TimestampOfReceive");
    const event = {
      instrument: this.instrument(this.header.value(row, "Symbol"), decimals),
      ns,
      receivedNs: received.ns,
    };
    const first = wholeOf(this.header.value(row, "FirstUpdateId"), "FirstUpdateId");
    return { id, event, ids: { first, last: wholeOf(id, "FinalUpdateId") }, bids: [], asks: [] };
  }
}

class TradeRows extends Rows implements LineParser {
  line(text: string, out: SourceEvent[]): void {
    if (this.isHeader(text)) return;
    const row = this.header.split(text);
    const value = (name: string) => this.header.value(row, name);
    const { ns, decimals } = epochTime(value("TransactionTime"), "TransactionTime");
    out.push(
      binanceTrade({
        instrument: this.instrument(value("Symbol"), decimals),
        ns,
        receivedNs: epochTime(value("TimestampOfReceive"), "TimestampOfReceive").ns,
        id: wholeOf(value("TradeId"), "TradeId"),
        price: numberOf(value("Price"), "Price"),
        size: numberOf(value("Quantity"), "Quantity"),
        buyerIsMaker: /^(1|true)$/i.test(value("IsBuyerMarketMaker")),
      }),
    );
  }
}
