import type { BookLevel } from "@tapedeck/market";
import { nsOfIso } from "@tapedeck/protocol";
import type { Format, Reading } from "../format.js";
import { BrokenLine, ImportRefused } from "../import-errors.js";
import { type LineParser, lineStream } from "../line-stream.js";
import type { RecordingFile } from "../recording-file.js";
import type { Instrument, SourceEvent } from "../source-event.js";
import { type BookColumns, bookColumns, isLob250ms, separated } from "./csv-columns.js";
import { Header } from "./csv-row.js";
import { epochTime, numberOf, sizeOf } from "./fields.js";

/** Nobody recorded order books before: an earlier time was read in the wrong unit. */
const earliest = BigInt(Date.UTC(1990, 0)) * 1_000_000n;

export const csv: Format = {
  name: "csv",
  about: "a row per book: a time and the levels of both sides, such as lob-250ms or the first version's l2_clean.csv",
  recognises: ({ head: [first = ""] }) => bookColumns(new Header(first)) !== undefined,
  streams: (files, reading) => files.map((file) => lineStream(file, new BookRows(file, reading), reading)),
};

class BookRows implements LineParser {
  readonly #header: Header;
  readonly #headerLine: string;
  readonly #columns: BookColumns;
  readonly #reading: Reading;
  readonly #name: string;
  readonly #instrument: Instrument;
  #millisecondsReadAsMicroseconds = false;

  constructor(file: RecordingFile, reading: Reading) {
    this.#headerLine = file.head[0] ?? "";
    this.#header = new Header(this.#headerLine);
    this.#reading = reading;
    this.#name = file.name;
    const columns = bookColumns(this.#header);
    if (columns === undefined) throw new ImportRefused(`${file.name} has no header that names a time and levels.`);
    this.#columns = this.#inOrder(columns, file.head[1]);
    const known = isLob250ms(this.#header) ? { symbol: "BTCUSDT", source: "BINANCE-FUTURES" } : undefined;
    const symbol = reading.symbol?.toUpperCase() ?? known?.symbol;
    if (symbol === undefined)
      throw new ImportRefused(`${file.name} does not say of which market it is: give --symbol.`);
    const decimals = this.#timeOf(file.head[1] === undefined ? [] : this.#header.split(file.head[1])).decimals;
    this.#instrument = { symbol, source: known?.source ?? "CSV", decimals };
  }

  line(text: string, out: SourceEvent[]): void {
    if (text === this.#headerLine) return;
    const row = this.#header.split(text);
    const { ns } = this.#timeOf(row);
    const bids = this.#side(row, "bid");
    const asks = this.#side(row, "ask");
    out.push({ kind: "snapshot", instrument: this.#instrument, ns, heardNs: ns, bids, asks });
  }

  /** Names and order can disagree: columns named as ten prices and ten sizes may hold price and size by turns. */
  #inOrder(columns: BookColumns, firstRow: string | undefined): BookColumns {
    if (firstRow === undefined) return columns;
    const row = this.#header.split(firstRow);
    if (descends(row, columns.bid, -1) && descends(row, columns.ask, 1)) return columns;
    const turned = { ...columns, bid: separated(columns.bid), ask: separated(columns.ask) };
    if (!descends(row, turned.bid, -1) || !descends(row, turned.ask, 1)) {
      throw new ImportRefused(
        `${this.#name}: the bid prices don't descend from level to level, so its columns are not levels.`,
      );
    }
    this.#reading.notice(
      `${this.#name}: its columns are named as all prices and then all sizes, but the prices don't descend; they hold price and size by turns and were read so.`,
    );
    return turned;
  }

  #side(row: readonly string[], side: "bid" | "ask"): BookLevel[] {
    const levels: BookLevel[] = [];
    for (const { price, size } of this.#columns[side]) {
      if (row[price] === "" && row[size] === "") continue; // a thin book has fewer levels than columns
      levels.push([numberOf(row[price], "a price"), sizeOf(row[size], "a size")]);
    }
    if (!rising(levels, side === "ask" ? 1 : -1)) {
      throw new BrokenLine(`the ${side} prices don't ${side === "ask" ? "rise" : "descend"} from level to level`);
    }
    return levels;
  }

  #timeOf(row: readonly string[]) {
    const text = row[this.#columns.time] ?? "";
    const iso = nsOfIso(text.replace(" ", "T").replace(/(\+00:00|Z)?$/, "Z"));
    const fraction = /\.(\d+)/.exec(text)?.[1]?.length ?? 0;
    const read = iso === undefined ? epochTime(text, "the time") : { ns: iso, decimals: decimalsFor(fraction) };
    if (read.ns >= earliest) return read;
    const ns = read.ns * 1_000n;
    if (ns < earliest) throw new BrokenLine(`the time ${text} lies before 1990`);
    if (!this.#millisecondsReadAsMicroseconds) {
      this.#millisecondsReadAsMicroseconds = true;
      this.#reading.notice(
        `${this.#name}: its times lie in January 1970, where milliseconds end up that were read as microseconds; they were put right.`,
      );
    }
    return { ns, decimals: 3 as const };
  }
}

function decimalsFor(fraction: number): Instrument["decimals"] {
  return fraction <= 3 ? 3 : fraction <= 6 ? 6 : 9;
}

function descends(row: readonly string[], columns: BookColumns["bid"], direction: 1 | -1): boolean {
  return rising(
    columns.map(({ price }) => [Number(row[price]), 0]),
    direction,
  );
}

function rising(levels: readonly BookLevel[], direction: 1 | -1): boolean {
  return levels.every(([price], at) => at === 0 || direction * (price - (levels[at - 1]?.[0] ?? 0)) > 0);
}
