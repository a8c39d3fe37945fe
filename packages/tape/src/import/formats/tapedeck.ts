import type { BookLevel } from "@tapedeck/market";
import { isoOfNs, type TimeDecimals } from "@tapedeck/protocol";
import { inHeardOrder } from "../events/heard-order.js";
import type { Instrument, SourceDiff, SourceEvent, SourceSnapshot, SourceTrade } from "../events/source-event.js";
import { BrokenLine, ImportRefused } from "../import-errors.js";
import type { RecordingFile } from "../input/recording-file.js";
import { isoNs, numberOf, sizeOf, textOf, wholeOf } from "../messages/fields.js";
import { Header } from "./csv/csv-header.js";
import { type Format, type LineParser, lineStream, type ReadContext } from "./format.js";

/** What Tardis' files do not have. */
const ours = ["n", "heard", "state", "venue_time", "receive_time"];
/** Other contents of a tape, and what only they have. They are not imported. */
const beside = {
  frames: ["exchange", "symbol", "seq", "mid_price", "trade_count", "bid_price_1", "ask_price_1"],
  bars: ["exchange", "symbol", "timestamp", "open", "high", "low", "close", "volume", "trades", "vwap"],
  orders: ["exchange", "symbol", "order_id", "action", "rest", "n", "heard"],
};
/** Venues that number their trades without a hole. */
const numbering = new Set(["BINANCE", "BINANCE-FUTURES", "COINBASE"]);
/** Venues whose diffs are joined to a snapshot by its id. */
const joining = new Set(["BINANCE", "BINANCE-FUTURES"]);
/** Venues whose snapshots have no time: they got that of the message before. */
const timeless = new Set(["BINANCE", "COINBASE"]);

/** Tapes that were exported: their messages as the source had them, in the order in which they were received. */
export const tapedeck: Format = {
  name: "tapedeck",
  about: "what tapedeck export --format csv writes: book and trades of one tape",
  recognises: ({ head: [first = ""] }) => {
    const header = new Header(first);
    return header.has("exchange", "symbol", "side", "price", "amount", ...ours) || contentBeside(header) !== undefined;
  },
  streams: (files, reading) =>
    byMarket(messagesOf(files, reading)).map(({ book, trades }) => {
      const streams = [book, trades].flatMap((file) =>
        file ? [lineStream(file, new ExportedRows(file), reading)] : [],
      );
      return inHeardOrder(streams);
    }),
};

function contentBeside(header: Header): string | undefined {
  return Object.entries(beside).find(([, columns]) => header.has(...columns))?.[0];
}

/** Frames are made of messages, and not imported beside them. */
function messagesOf(files: readonly RecordingFile[], reading: ReadContext): RecordingFile[] {
  const messages: RecordingFile[] = [];
  for (const file of files) {
    const content = contentBeside(new Header(file.head[0] ?? ""));
    if (content === undefined) messages.push(file);
    else reading.notice(`${file.name} was left out: it has a tape's ${content}; tapes are made of book and trades.`);
  }
  const [first] = files;
  if (messages.length > 0 || first === undefined) return messages;
  throw new ImportRefused(
    `${first.name} has a tape's ${contentBeside(new Header(first.head[0] ?? "")) ?? "rows"}: import its book and trades, of tapedeck export --what book,trades --format csv.`,
  );
}

interface ExportedTape {
  book?: RecordingFile;
  trades?: RecordingFile;
}

function byMarket(files: readonly RecordingFile[]): ExportedTape[] {
  const markets = new Map<string, ExportedTape>();
  for (const file of files) {
    const [exchange, symbol] = file.head[1]?.split(",") ?? [];
    if (exchange === undefined) continue; // a header without rows: a tape without trades
    const market = `${exchange} ${symbol}`;
    const found = markets.get(market) ?? {};
    const content = isBook(file) ? "book" : "trades";
    const other = found[content];
    if (other !== undefined) {
      throw new ImportRefused(
        `${other.name} and ${file.name} are exports of two tapes of ${market}: the order of their messages is not known. Import them one by one.`,
      );
    }
    found[content] = file;
    markets.set(market, found);
  }
  return [...markets.values()];
}

function isBook(file: RecordingFile): boolean {
  return new Header(file.head[0] ?? "").has("is_snapshot");
}

/** Filled row by row. */
interface Levels {
  readonly bids: BookLevel[];
  readonly asks: BookLevel[];
}

type Value = (column: string) => string;

/** What a message was, from its rows: the venue's own event, with what the import did to it undone. */
class ExportedRows implements LineParser {
  /** Each row has an event or a level of its own. */
  readonly keepsRepeated = true;
  readonly #header: Header;
  readonly #headerLine: string;
  readonly #isBook: boolean;
  #instrument: Instrument | undefined;
  /** The rows of one event, which follow each other. */
  #open: { readonly n: string; readonly update: SourceDiff | SourceSnapshot; readonly levels: Levels } | undefined;

  constructor(file: RecordingFile) {
    this.#headerLine = file.head[0] ?? "";
    this.#header = new Header(this.#headerLine);
    this.#isBook = isBook(file);
  }

  line(text: string, out: SourceEvent[]): void {
    if (text === this.#headerLine) return;
    const row = this.#header.split(text);
    const value: Value = (column) => this.#header.value(row, column);
    if (!this.#isBook) out.push(this.#trade(value));
    // A message that was applied again is in the file twice, and what was derived is no message.
    else if (value("state") !== "again" && value("state") !== "derived") this.#level(value, out);
  }

  end(out: SourceEvent[]): void {
    if (this.#open !== undefined) out.push(this.#open.update);
    this.#open = undefined;
  }

  #level(value: Value, out: SourceEvent[]): void {
    const level: BookLevel = [numberOf(value("price"), "price"), sizeOf(value("amount"), "amount")];
    const side = value("side");
    if (side !== "bid" && side !== "ask") throw new BrokenLine("side is neither bid nor ask");
    const n = value("n");
    if (this.#open?.n !== n) {
      const levels: Levels = { bids: [], asks: [] };
      const update = this.#update(value, levels);
      this.end(out);
      this.#open = { n, update, levels };
    }
    const { bids, asks } = this.#open.levels;
    (side === "bid" ? bids : asks).push(level);
  }

  #update(value: Value, levels: Levels): SourceDiff | SourceSnapshot {
    const base = this.#base(value);
    const { source } = base.instrument;
    const [first, last, previous] = ["first_id", "last_id", "previous_id"].map((name) => {
      const id = value(name);
      return id === "" ? undefined : wholeOf(id, name);
    });
    if (value("is_snapshot") === "true") {
      return {
        kind: "snapshot",
        ...base,
        ...levels,
        ...(last !== undefined && (joining.has(source) ? { lastId: last } : { sequence: last })),
        ...(timeless.has(source) && { timeless: true }),
        ...repeatedIf(value),
      };
    }
    const update = { kind: "diff", ...base, ...levels } as const;
    if (first !== undefined && last !== undefined) return { ...update, ids: { first, last, previous } };
    return { ...update, ...(last !== undefined && { sequence: last }), ...repeatedIf(value) };
  }

  #trade(value: Value): SourceTrade {
    const base = this.#base(value);
    const id = value("id");
    const side = value("side");
    return {
      kind: "trade",
      ...base,
      ...idOf(id, base.instrument.source),
      timestamp: isoOfNs(base.ns, base.instrument.decimals),
      price: numberOf(value("price"), "price"),
      size: numberOf(value("amount"), "amount"),
      side: side === "buy" || side === "sell" ? side : "unknown",
      ...(value("state") === "excluded" && { excluded: "excluded from the tape that was exported" }),
      ...(id === "" && repeatedIf(value)),
    };
  }

  #base(value: Value) {
    const venueTime = value("venue_time");
    const ns = isoNs(venueTime, "venue_time");
    this.#instrument ??= {
      symbol: textOf(value("symbol"), "symbol"),
      source: textOf(value("exchange"), "exchange"),
      decimals: decimalsOf(venueTime),
    };
    const receivedNs = isoNs(value("receive_time"), "receive_time");
    return { instrument: this.#instrument, ns, receivedNs, heard: wholeOf(value("heard"), "heard") };
  }
}

/** Decimals of a second in an ISO 8601 time. */
function decimalsOf(iso: string): TimeDecimals {
  const { length } = iso.slice("2024-08-08T23:54:15.".length, -1);
  return length <= 3 ? 3 : length <= 6 ? 6 : 9;
}

function idOf(id: string, source: string): Pick<SourceTrade, "id" | "consecutive"> {
  if (id === "") return {};
  return numbering.has(source) && /^\d{1,15}$/.test(id) ? { id: Number(id), consecutive: true } : { id };
}

/** Of events without ids, only their line told that they were repetitions. */
function repeatedIf(value: Value): Pick<SourceEvent, "repeated"> {
  return value("state") === "duplicate" ? { repeated: true } : {};
}
