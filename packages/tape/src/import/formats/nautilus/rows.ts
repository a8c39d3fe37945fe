import type { BookLevel } from "@tapedeck/market";
import { isoOfNs, type TradeSide } from "@tapedeck/protocol";
import type { Instrument, SourceEvent } from "../../events/source-event.js";
import { BrokenLine } from "../../import-errors.js";
import { headerLine, type Table } from "../../input/table/table.js";
import { shown, sizeOf } from "../../messages/fields.js";
import { Header } from "../csv/csv-header.js";
import type { LineParser } from "../format.js";
import { FixedPoint } from "./fixed-point.js";

type Value = (column: string) => string;

/** The rows of a file of a catalog, as lines. */
export abstract class CatalogRows implements LineParser {
  /** Each row has an event or a change of its own. */
  readonly keepsRepeated = true;
  protected readonly instrument: Instrument;
  readonly #header: Header;
  readonly #headerLine: string;

  constructor(table: Table, instrument: Instrument) {
    this.instrument = instrument;
    this.#headerLine = headerLine(table);
    this.#header = new Header(this.#headerLine);
  }

  line(text: string, out: SourceEvent[]): void {
    if (text === this.#headerLine) return;
    const row = this.#header.split(text);
    this.row((column) => this.#header.value(row, column), out);
  }

  /** Adds the row's events to `out`. Throws `BrokenLine`. */
  protected abstract row(value: Value, out: SourceEvent[]): void;

  /** The times of a row, and the venue's number of its message if it has one. */
  protected baseOf(value: Value) {
    const ns = timeOf(value("ts_event"), "ts_event");
    const sequence = Number(value("sequence"));
    const numbered = Number.isSafeInteger(sequence) && sequence > 0;
    const receivedNs = timeOf(value("ts_init"), "ts_init");
    return { instrument: this.instrument, ns, receivedNs, ...(numbered && { sequence }) };
  }
}

/** Nanoseconds since 1970, to the end of the event track's times. */
function timeOf(text: string, name: string): bigint {
  const ns = /^\d{1,19}$/.test(text) ? BigInt(text) : 0n;
  if (ns > 0n && ns < 2n ** 63n) return ns;
  throw new BrokenLine(`${name} is not a time: ${shown(text)}`);
}

/** Whole books: quotes of the best prices, or ten levels a side. */
export class BookRows extends CatalogRows {
  readonly #depth: number;
  readonly #levels: readonly { readonly side: "bid" | "ask"; readonly names: readonly [string, string] }[];
  readonly #prices: FixedPoint;
  readonly #sizes: FixedPoint;

  /** @param depth levels a side; 1: the columns have no number */
  constructor(table: Table, instrument: Instrument, depth: number) {
    super(table, instrument);
    this.#depth = depth;
    const names = (side: "bid" | "ask", place: number): [string, string] =>
      depth === 1 ? [`${side}_price`, `${side}_size`] : [`${side}_price_${place}`, `${side}_size_${place}`];
    this.#levels = Array.from({ length: depth }, (_, place) => place).flatMap((place) =>
      (["bid", "ask"] as const).map((side) => ({ side, names: names(side, place) })),
    );
    const [price, size] = names("bid", 0);
    this.#prices = new FixedPoint(table, price, "price_precision");
    this.#sizes = new FixedPoint(table, size, "size_precision");
  }

  protected row(value: Value, out: SourceEvent[]): void {
    const bids: BookLevel[] = [];
    const asks: BookLevel[] = [];
    for (const { side, names } of this.#levels) {
      const [price, size] = names;
      const amount = sizeOf(this.#sizes.valueOf(value(size)), size);
      if (amount === 0) continue; // a thin book has fewer levels than columns
      (side === "bid" ? bids : asks).push([this.#prices.valueOf(value(price)), amount]);
    }
    out.push({ kind: "snapshot", ...this.baseOf(value), bids, asks, depth: this.#depth });
  }
}

/** By nautilus' numbers. */
const takers: Readonly<Record<string, TradeSide>> = { 1: "buy", 2: "sell", BUYER: "buy", SELLER: "sell" };

export class TradeRows extends CatalogRows {
  readonly #prices: FixedPoint;
  readonly #sizes: FixedPoint;

  constructor(table: Table, instrument: Instrument) {
    super(table, instrument);
    this.#prices = new FixedPoint(table, "price", "price_precision");
    this.#sizes = new FixedPoint(table, "size", "size_precision");
  }

  protected row(value: Value, out: SourceEvent[]): void {
    const base = this.baseOf(value);
    const size = sizeOf(this.#sizes.valueOf(value("size")), "size");
    if (size === 0) throw new BrokenLine("a trade has no size");
    const id = value("trade_id");
    out.push({
      kind: "trade",
      ...base,
      ...(id !== "" && { id }),
      timestamp: isoOfNs(base.ns, 9),
      price: this.#prices.valueOf(value("price")),
      size,
      side: takers[value("aggressor_side")] ?? "unknown",
    });
  }
}
