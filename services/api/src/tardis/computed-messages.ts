import { isoOfNs, type NormalizedMessage, type ReplayDataType } from "@tapedeck/protocol";
import type { BookReplay, TrackDecimals, TrackedTrade } from "@tapedeck/tape";

/** What a message says besides its market and the time of its receipt. */
type Content<Type extends NormalizedMessage["type"]> = Omit<
  Extract<NormalizedMessage, { type: Type }>,
  "symbol" | "exchange" | "localTimestamp" | "timestamp"
> & { readonly timestampNs: bigint };
export type ComputedMessage = Content<"book_snapshot"> | Content<"trade_bar">;

type BookOf = BookReplay["book"];
type DataType<Kind extends ReplayDataType["kind"]> = Extract<ReplayDataType, { kind: Kind }>;

/** The best levels of a book: with each change of them, or once for each interval in which they changed. */
export class BookSnapshots {
  readonly #wanted: DataType<"book_snapshot">;
  readonly #decimals: TrackDecimals;
  /** Of the best levels as they are: bids' prices and sizes, then asks'. */
  #levels: readonly number[] = [];
  #changed = false;
  #lastNs: bigint | undefined;

  constructor(wanted: DataType<"book_snapshot">, decimals: TrackDecimals) {
    this.#wanted = wanted;
    this.#decimals = decimals;
  }

  /** The book at the end of the last interval that is over by then, if it changed in it. */
  before(timestampNs: bigint): Content<"book_snapshot"> | undefined {
    const intervalNs = BigInt(this.#wanted.intervalMs) * 1_000_000n;
    if (!this.#changed || this.#lastNs === undefined || intervalNs === 0n) return undefined;
    const end = (this.#lastNs / intervalNs + 1n) * intervalNs;
    return timestampNs < end ? undefined : this.#snapshot(end);
  }

  // HOT: once for each update.
  /** Takes the book after an update; the book if it is sent at once. */
  after(book: BookOf, timestampNs: bigint): Content<"book_snapshot"> | undefined {
    const { depth, intervalMs } = this.#wanted;
    const levels = [...book.bids.top(depth), ...book.asks.top(depth)].flat();
    const bids = Math.min(depth, book.bids.depth);
    const same = levels.length + 1 === this.#levels.length && this.#levels[0] === bids;
    if (!same || levels.some((value, at) => value !== this.#levels[at + 1])) {
      this.#levels = [bids, ...levels];
      this.#changed = true;
    }
    const isFirst = this.#lastNs === undefined;
    this.#lastNs = timestampNs;
    return this.#changed && (isFirst || intervalMs === 0) ? this.#snapshot(timestampNs) : undefined;
  }

  #snapshot(timestampNs: bigint): Content<"book_snapshot"> {
    this.#changed = false;
    const [bids = 0, ...levels] = this.#levels;
    const { name, depth, intervalMs } = this.#wanted;
    return {
      type: "book_snapshot",
      ...{ name, depth, interval: intervalMs },
      bids: pairsOf(levels.slice(0, 2 * bids), this.#decimals),
      asks: pairsOf(levels.slice(2 * bids), this.#decimals),
      timestampNs,
    };
  }
}

function pairsOf(values: readonly number[], decimals: TrackDecimals): { price: number; amount: number }[] {
  return Array.from({ length: values.length / 2 }, (_, at) => ({
    price: numberOf(values[2 * at] ?? 0, decimals.price),
    amount: numberOf(values[2 * at + 1] ?? 0, decimals.size),
  }));
}

/** The number that counts `units` of the last decimal: both are exact, so it is the nearest one, and prints as the source wrote it. */
export function numberOf(units: number, decimals: number): number {
  return units / 10 ** decimals;
}

interface Bar {
  readonly openNs: bigint;
  readonly open: number;
  closeNs: bigint;
  close: number;
  high: number;
  low: number;
  trades: number;
  bought: number;
  volume: number;
  sold: number;
  /** Sum of price times amount, in units of both. */
  turnover: number;
}

/** Trades as bars: of a length of time by the venue's clock, of so many trades, or of at least such an amount. Intervals without a trade have none. */
export class TradeBars {
  readonly #wanted: DataType<"trade_bar">;
  readonly #decimals: TrackDecimals;
  #bar: Bar | undefined;

  constructor(wanted: DataType<"trade_bar">, decimals: TrackDecimals) {
    this.#wanted = wanted;
    this.#decimals = decimals;
  }

  /** The bar whose time is over by then. */
  before(timestampNs: bigint): Content<"trade_bar"> | undefined {
    const { per, size } = this.#wanted;
    if (per !== "time" || this.#bar === undefined) return undefined;
    const lengthNs = BigInt(size) * 1_000_000n;
    const end = (this.#bar.openNs / lengthNs + 1n) * lengthNs;
    return timestampNs < end ? undefined : this.#close(this.#bar, end);
  }

  /** Takes a trade; the bar that it completes. */
  after({ timestampNs, priceUnits, amountUnits, side }: TrackedTrade): Content<"trade_bar"> | undefined {
    this.#bar ??= {
      ...{ openNs: timestampNs, open: priceUnits, closeNs: timestampNs, close: priceUnits },
      ...{ high: priceUnits, low: priceUnits, trades: 0, bought: 0, sold: 0, volume: 0, turnover: 0 },
    };
    const bar = this.#bar;
    bar.high = Math.max(bar.high, priceUnits);
    bar.low = Math.min(bar.low, priceUnits);
    if (timestampNs >= bar.closeNs) {
      bar.close = priceUnits;
      bar.closeNs = timestampNs;
    }
    bar.trades++;
    bar.volume += amountUnits;
    if (side === "buy") bar.bought += amountUnits;
    if (side === "sell") bar.sold += amountUnits;
    bar.turnover += priceUnits * amountUnits;
    const { per, size } = this.#wanted;
    const full = per === "tick" ? bar.trades >= size : numberOf(bar.volume, this.#decimals.size) >= size;
    return per !== "time" && full ? this.#close(bar, bar.closeNs) : undefined;
  }

  #close(bar: Bar, timestampNs: bigint): Content<"trade_bar"> {
    this.#bar = undefined;
    const { name, size, per } = this.#wanted;
    const price = (units: number) => numberOf(units, this.#decimals.price);
    const amount = (units: number) => numberOf(units, this.#decimals.size);
    return {
      type: "trade_bar",
      ...{ name, interval: size, kind: per },
      ...{ open: price(bar.open), high: price(bar.high), low: price(bar.low), close: price(bar.close) },
      ...{ volume: amount(bar.volume), buyVolume: amount(bar.bought), sellVolume: amount(bar.sold) },
      ...{ trades: bar.trades, vwap: price(bar.volume === 0 ? bar.close : bar.turnover / bar.volume) },
      openTimestamp: isoOfNs(bar.openNs, 9),
      closeTimestamp: isoOfNs(bar.closeNs, 9),
      timestampNs,
    };
  }
}
