import type { BookLevel } from "@tapedeck/market";
import type { Instrument, SourceEvent } from "../../events/source-event.js";
import { BrokenLine, ImportRefused } from "../../import-errors.js";
import type { RecordingFile } from "../../input/recording-file.js";
import { numberOf, sizeOf } from "../../messages/fields.js";
import type { Format, ReadContext } from "../format.js";
import { type LineParser, lineStream } from "../format.js";
import { type BookColumns, bookColumns, interleaved, isLob250ms } from "./csv-columns.js";
import { Header } from "./csv-header.js";
import { type RowTime, rowTime } from "./csv-time.js";

/** No order book recording is older: an earlier time is in another unit. */
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
  #columns: BookColumns;
  readonly #reading: ReadContext;
  readonly #name: string;
  readonly #instrument: Instrument;
  #millisecondsReadAsMicroseconds = false;

  constructor(file: RecordingFile, reading: ReadContext) {
    this.#headerLine = file.head[0] ?? "";
    this.#header = new Header(this.#headerLine);
    this.#reading = reading;
    this.#name = file.name;
    const columns = bookColumns(this.#header);
    if (columns === undefined)
      throw new ImportRefused(`${file.name} has no header with a time column and level columns.`);
    this.#columns = columns;
    const { row, decimals } = this.#sample(file.head.slice(1));
    this.#columns = this.#inOrder(columns, row);
    const known = isLob250ms(this.#header) ? { symbol: "BTCUSDT", source: "BINANCE-FUTURES" } : undefined;
    const symbol = reading.symbol?.toUpperCase() ?? known?.symbol;
    if (symbol === undefined) throw new ImportRefused(`${file.name} does not name its market: give --symbol.`);
    this.#instrument = { symbol, source: known?.source ?? "CSV", decimals };
  }

  line(text: string, out: SourceEvent[]): void {
    if (text === this.#headerLine) return;
    const row = this.#header.split(text);
    const { ns } = this.#timeOf(row);
    const bids = this.#side(row, "bid");
    const asks = this.#side(row, "ask");
    const depth = Math.min(this.#columns.bid.length, this.#columns.ask.length);
    out.push({ kind: "snapshot", instrument: this.#instrument, ns, receivedNs: ns, bids, asks, depth });
  }

  /** The first valid row, and the most decimals of the times in the first rows. */
  #sample(lines: readonly string[]): { row: readonly string[]; decimals: RowTime["decimals"] } {
    let row: readonly string[] | undefined;
    let decimals: RowTime["decimals"] = 3;
    let problem: string | undefined;
    for (const line of lines.filter((text) => text !== "" && text !== this.#headerLine)) {
      try {
        const values = this.#header.split(line);
        const time = this.#timeOf(values);
        for (const { price } of [...this.#columns.bid, ...this.#columns.ask]) priceOf(values[price]);
        row ??= values;
        decimals = time.decimals > decimals ? time.decimals : decimals;
      } catch (error) {
        if (!(error instanceof BrokenLine)) throw error;
        problem ??= error.message;
      }
    }
    if (row !== undefined) return { row, decimals };
    const why = problem === undefined ? "" : ` that can be read: in the first row, ${problem}`;
    throw new ImportRefused(`${this.#name} has the header of a CSV of books but no row${why}.`);
  }

  /** Names and contents can disagree: columns named as ten prices and ten sizes may hold alternating prices and sizes. */
  #inOrder(columns: BookColumns, row: readonly string[]): BookColumns {
    if (descends(row, columns.bid, -1) && descends(row, columns.ask, 1)) return columns;
    const turned = { ...columns, bid: interleaved(columns.bid), ask: interleaved(columns.ask) };
    if (!descends(row, turned.bid, -1) || !descends(row, turned.ask, 1)) {
      throw new ImportRefused(
        `${this.#name}: the bid prices don't descend from level to level, so its columns are not book levels.`,
      );
    }
    this.#reading.notice(
      `${this.#name}: its columns are named as all prices and then all sizes, but the prices don't descend; they were read as alternating prices and sizes.`,
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

  #timeOf(row: readonly string[]): RowTime {
    const text = row[this.#columns.time] ?? "";
    const read = rowTime(text);
    if (read.ns >= earliest) return read;
    const ns = read.ns * 1_000n;
    if (ns < earliest) throw new BrokenLine(`the time ${text} is before 1990`);
    if (!this.#millisecondsReadAsMicroseconds) {
      this.#millisecondsReadAsMicroseconds = true;
      this.#reading.notice(
        `${this.#name}: its times are in January 1970, because milliseconds were written as microseconds; they were corrected.`,
      );
    }
    return { ns, decimals: 3 };
  }
}

/** Undefined if a thin book lacks that level. */
function priceOf(value: string | undefined): number | undefined {
  return value === "" ? undefined : numberOf(value, "a price");
}

function descends(row: readonly string[], columns: BookColumns["bid"], direction: 1 | -1): boolean {
  const there = columns.filter(({ price }) => row[price] !== "");
  return rising(
    there.map(({ price }) => [Number(row[price]), 0]),
    direction,
  );
}

function rising(levels: readonly BookLevel[], direction: 1 | -1): boolean {
  return levels.every(([price], at) => at === 0 || direction * (price - (levels[at - 1]?.[0] ?? 0)) > 0);
}
