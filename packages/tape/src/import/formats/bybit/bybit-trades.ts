import { isoOfNs, type TimeDecimals } from "@tapedeck/protocol";
import type { Instrument, SourceEvent } from "../../events/source-event.js";
import { BrokenLine, ImportRefused } from "../../import-errors.js";
import type { RecordingFile } from "../../input/recording-file.js";
import { epochTime, numberOf, secondsNs, textOf } from "../../messages/fields.js";
import { Header } from "../csv/csv-header.js";
import type { LineParser, ReadContext } from "../format.js";

/** A file of Bybit's trades, and the market that it is of. */
export interface TradesFile {
  readonly file: RecordingFile;
  readonly header: Header;
  readonly symbol: string;
  readonly source: "BYBIT" | "BYBIT-SPOT";
  readonly decimals: TimeDecimals;
}

const contracts = ["timestamp", "symbol", "side", "size", "price", "tickDirection", "trdMatchID"];
const spot = ["id", "timestamp", "price", "volume", "side"];
/** Seconds: BitMEX has files of the same columns, whose times are dates. */
const seconds = /^\d{9,10}(?:\.(\d+))?$/;
/** `BTCUSDT_2025-05-01.csv`, `BTCUSDT-2022-11.csv`, `BTCUSDT2024-01-04.csv` */
const fileName = /^([A-Z0-9]+?)[_-]?\d{4}-\d\d(?:-\d\d)?\./i;

/** Undefined if it is no file of Bybit's trades. Throws `ImportRefused`, if `reading` is given, for one that cannot be read. */
export function tradesFileOf(file: RecordingFile, reading?: ReadContext): TradesFile | undefined {
  const header = new Header(file.head[0] ?? "");
  const rows = file.head.slice(1).map((line) => line.split(","));
  const times = rows.map((row) => header.value(row, "timestamp"));
  if (header.has(...contracts) && seconds.test(times[0] ?? "")) {
    if (reading !== undefined) refuseDescending(file, times);
    const symbol = header.value(rows[0] ?? [], "symbol");
    // Seconds with four and more decimals.
    const fine = times.some((time) => (seconds.exec(time)?.[1]?.length ?? 0) > 3);
    return { file, header, symbol, source: "BYBIT", decimals: fine ? 6 : 3 };
  }
  if (!header.has(...spot) || header.names.length > spot.length + 1) return undefined;
  if (reading !== undefined) refuseDescending(file, times);
  return { file, header, symbol: spotSymbol(file, reading), source: "BYBIT-SPOT", decimals: 3 };
}

function spotSymbol({ name }: RecordingFile, reading: ReadContext | undefined): string {
  const symbol = fileName.exec(name)?.[1]?.toUpperCase() ?? reading?.symbol?.toUpperCase();
  if (symbol === undefined && reading !== undefined) {
    throw new ImportRefused(
      `${name} does not name its market: give --symbol, or the name that the file was downloaded by, such as BTCUSDT_2025-05-01.csv.gz.`,
    );
  }
  return symbol ?? "";
}

/** Some older files begin with the day's last trade. */
function refuseDescending({ name }: RecordingFile, times: readonly string[]): void {
  const [first, last] = [Number(times[0]), Number(times.at(-1))];
  if (!(first > last)) return;
  throw new ImportRefused(
    `${name} has its newest trade first, and trades are accepted in order of time: turn its rows around, for example with \`(head -1 FILE; tail -n +2 FILE | tac)\`.`,
  );
}

/** Parses the rows of one file of trades. */
export class TradeRows implements LineParser {
  readonly #file: TradesFile;
  readonly #instrument: Instrument;
  readonly #headerLine: string;

  constructor(file: TradesFile, decimals: TimeDecimals) {
    this.#file = file;
    this.#instrument = { symbol: file.symbol, source: file.source, decimals };
    this.#headerLine = file.file.head[0] ?? "";
  }

  line(text: string, out: SourceEvent[]): void {
    if (text === this.#headerLine) return;
    const { header, source } = this.#file;
    const row = header.split(text);
    const value = (name: string) => header.value(row, name);
    out.push(source === "BYBIT" ? this.#ofContracts(value) : this.#ofSpot(value));
  }

  #ofContracts(value: (name: string) => string): SourceEvent {
    const symbol = value("symbol");
    if (symbol !== this.#instrument.symbol) {
      throw new BrokenLine(`symbol is ${symbol}, but the file's first row has ${this.#instrument.symbol}`);
    }
    const ns = secondsNs(value("timestamp"), "timestamp");
    return { ...this.#trade(ns, value, "size"), id: textOf(value("trdMatchID"), "trdMatchID") };
  }

  /** `id` only numbers the rows of a file. */
  #ofSpot(value: (name: string) => string): SourceEvent {
    return this.#trade(epochTime(value("timestamp"), "timestamp").ns, value, "volume");
  }

  #trade(ns: bigint, value: (name: string) => string, size: string) {
    const side = value("side").toLowerCase();
    if (side !== "buy" && side !== "sell") {
      throw new BrokenLine(`side is neither buy nor sell: ${JSON.stringify(value("side"))}`);
    }
    return {
      kind: "trade" as const,
      instrument: this.#instrument,
      ns,
      receivedNs: ns,
      timestamp: isoOfNs(ns, this.#instrument.decimals),
      price: numberOf(value("price"), "price"),
      size: numberOf(value(size), size),
      side: side === "buy" ? ("buy" as const) : ("sell" as const),
    };
  }
}
