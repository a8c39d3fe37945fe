import type { TimeDecimals } from "@tapedeck/protocol";
import type { Instrument, SourceEvent } from "../../events/source-event.js";
import { BrokenLine, ImportRefused } from "../../import-errors.js";
import type { RecordingFile } from "../../input/recording-file.js";
import { binanceTrade } from "../../messages/binance-messages.js";
import { epochTime, numberOf, sizeOf, wholeOf } from "../../messages/fields.js";
import { Header } from "../csv/csv-header.js";
import type { Format, LineParser, ReadContext } from "../format.js";
import { layoutOf, symbolOf, type VisionLayout } from "./binance-vision-files.js";
import { chainStreams } from "./row-chains.js";

export const binanceVision: Format = {
  name: "binance-vision",
  about: "Binance Vision's public files, as downloaded: trades, aggTrades, bookTicker (a book of one level)",
  recognises: (file) => layoutOf(file) !== undefined,
  streams: (files, reading) => {
    const described = files.map((file) => describe(file, reading));
    const instruments = instrumentsOf(described);
    return individualTrades(described, reading).flatMap((one) =>
      chainStreams(one.file, () => parserOf(one, instruments), reading),
    );
  },
};

/** A file, and the market that it is of. */
interface VisionFile {
  readonly file: RecordingFile;
  readonly layout: VisionLayout;
  readonly symbol: string;
  readonly source: string;
  readonly decimals: TimeDecimals;
}

function describe(file: RecordingFile, reading: ReadContext): VisionFile {
  const layout = layoutOf(file);
  if (layout === undefined) throw new ImportRefused(`${file.name} has neither a header nor rows of Binance Vision.`);
  const symbol = symbolOf(file) ?? reading.symbol?.toUpperCase();
  if (symbol === undefined) {
    throw new ImportRefused(
      `${file.name} does not name its market: give --symbol, or the name that the file was downloaded by, such as BTCUSDT-${layout.content}-2024-05-31.csv.`,
    );
  }
  if (/^[A-Z0-9]+USD_/.test(symbol)) {
    reading.notice(`${file.name} is of futures settled in coins: its sizes are numbers of contracts.`);
  }
  const source = layout.futures ? "BINANCE-FUTURES" : "BINANCE";
  return { file, layout, symbol, source, decimals: decimalsOf(file, layout) };
}

function decimalsOf({ head }: RecordingFile, { columns, hasHeader }: VisionLayout): TimeDecimals {
  const row = head[hasHeader ? 1 : 0]?.split(",") ?? [];
  const time = row[columns.findIndex((name) => /^(time|transact_time|transaction_time)$/.test(name))] ?? "";
  return time.length > 14 ? 6 : 3;
}

function marketOf({ source, symbol }: VisionFile): string {
  return `${source} ${symbol}`;
}

/** Spot files have microseconds since 2025, so the files of one market may differ: a tape has the finest. */
function instrumentsOf(files: readonly VisionFile[]): ReadonlyMap<string, Instrument> {
  const instruments = new Map<string, Instrument>();
  for (const file of files) {
    const { symbol, source, decimals } = file;
    const known = instruments.get(marketOf(file));
    if (known === undefined || known.decimals < decimals) instruments.set(marketOf(file), { symbol, source, decimals });
  }
  return instruments;
}

/** Aggregated trades are the same trades again. */
function individualTrades(files: readonly VisionFile[], reading: ReadContext): readonly VisionFile[] {
  const individual = new Set(files.filter(({ layout }) => layout.content === "trades").map(marketOf));
  return files.filter((one) => {
    const repeats = one.layout.content === "aggTrades" && individual.has(marketOf(one));
    if (repeats) {
      reading.notice(`${one.file.name} was left out: the recording has the individual trades of ${marketOf(one)}.`);
    }
    return !repeats;
  });
}

function parserOf(one: VisionFile, instruments: ReadonlyMap<string, Instrument>): LineParser {
  const instrument = instruments.get(marketOf(one)) ?? one;
  return one.layout.content === "bookTicker"
    ? new BestPrices(one.layout, instrument)
    : new Trades(one.layout, instrument);
}

/** Base of both row parsers. */
abstract class VisionRows implements LineParser {
  protected readonly instrument: Instrument;
  readonly #header: Header;
  readonly #hasHeader: boolean;

  constructor({ columns, hasHeader }: VisionLayout, instrument: Instrument) {
    this.instrument = instrument;
    this.#header = new Header(columns.join());
    this.#hasHeader = hasHeader;
  }

  line(text: string, out: SourceEvent[]): void {
    // Files that were put together have a header for each part.
    if (this.#hasHeader && text.startsWith(this.#header.names[0] ?? "")) return;
    const row = this.#header.split(text);
    out.push(this.event((name) => this.#header.value(row, name)));
  }

  protected abstract event(value: (name: string) => string): SourceEvent;
}

class Trades extends VisionRows {
  readonly #names: { readonly id: string; readonly size: string; readonly time: string };
  readonly #consecutive: boolean;

  constructor(layout: VisionLayout, instrument: Instrument) {
    super(layout, instrument);
    const aggregated = layout.content === "aggTrades";
    this.#names = aggregated
      ? { id: "agg_trade_id", size: "quantity", time: "transact_time" }
      : { id: "id", size: "qty", time: "time" };
    // Futures' files lack the trades of the insurance fund, but not their ids.
    this.#consecutive = aggregated || !layout.futures;
  }

  protected event(value: (name: string) => string): SourceEvent {
    const { id, size, time } = this.#names;
    const { ns } = epochTime(value(time), time);
    const trade = binanceTrade({
      instrument: this.instrument,
      ns,
      receivedNs: ns,
      id: wholeOf(value(id), id),
      price: numberOf(value("price"), "price"),
      size: numberOf(value(size), size),
      buyerIsMaker: flagOf(value("is_buyer_maker"), "is_buyer_maker"),
    });
    return this.#consecutive ? trade : { ...trade, consecutive: false };
  }
}

class BestPrices extends VisionRows {
  protected event(value: (name: string) => string): SourceEvent {
    const { ns } = epochTime(value("transaction_time"), "transaction_time");
    return {
      kind: "snapshot",
      instrument: this.instrument,
      ns,
      receivedNs: epochTime(value("event_time"), "event_time").ns,
      sequence: wholeOf(value("update_id"), "update_id"),
      depth: 1,
      bids: [[numberOf(value("best_bid_price"), "best_bid_price"), sizeOf(value("best_bid_qty"), "best_bid_qty")]],
      asks: [[numberOf(value("best_ask_price"), "best_ask_price"), sizeOf(value("best_ask_qty"), "best_ask_qty")]],
    };
  }
}

function flagOf(text: string, name: string): boolean {
  if (/^true$/i.test(text)) return true;
  if (/^false$/i.test(text)) return false;
  throw new BrokenLine(`${name} is neither true nor false: ${JSON.stringify(text)}`);
}
