import type { ReplayDataType, TimeDecimals } from "@tapedeck/protocol";
import {
  BookReplay,
  type FullBook,
  type TrackDecimals,
  type TrackedEvent,
  type TrackedTrade,
  type TrackedUpdate,
} from "@tapedeck/tape";
import { exactIso } from "../tapes/event-lines.js";
import { BookSnapshots, type ComputedMessage, numberOf, TradeBars } from "./computed-messages.js";

interface WrittenMarket {
  readonly exchange: string;
  readonly symbol: string;
  /** Decimals of a second in its times. */
  readonly times: TimeDecimals;
  readonly track: TrackDecimals;
}

/** A price and an amount in units of the track's last decimals. */
type UnitLevel = Pick<TrackedUpdate["levels"][number], "side" | "priceUnits" | "amountUnits">;

/** Writes a tape's events as Tardis' normalized messages, of the kinds that are wanted. It keeps the book if one of them needs it. */
export class MessageWriter {
  readonly #market: WrittenMarket;
  readonly #head: string;
  readonly #trades: boolean;
  readonly #changes: boolean;
  readonly #snapshots: readonly BookSnapshots[];
  readonly #bars: readonly TradeBars[];
  readonly #book = new BookReplay().book;
  /** False until the first update, which is all levels that are known. */
  #isBegun = false;

  constructor(market: WrittenMarket, dataTypes: readonly ReplayDataType[]) {
    this.#market = market;
    this.#head = `"symbol":${JSON.stringify(market.symbol)},"exchange":${JSON.stringify(market.exchange)}`;
    this.#trades = dataTypes.some(({ kind }) => kind === "trade");
    this.#changes = dataTypes.some(({ kind }) => kind === "book_change");
    this.#snapshots = dataTypes.flatMap((type) =>
      type.kind === "book_snapshot" ? [new BookSnapshots(type, market.track)] : [],
    );
    this.#bars = dataTypes.flatMap((type) => (type.kind === "trade_bar" ? [new TradeBars(type, market.track)] : []));
  }

  /** Whether a book is wanted in any form. */
  get wantsBook(): boolean {
    return this.#changes || this.#snapshots.length > 0;
  }

  /** The book with which a range begins, if it has levels. */
  wholeBook({ bids, asks }: Pick<FullBook, "bids" | "asks">, timestampNs: bigint, localNs: bigint): string[] {
    const { price: priceDecimals, size: sizeDecimals } = this.#market.track;
    const unitsOf = (side: UnitLevel["side"], levels: FullBook["bids"]): UnitLevel[] =>
      levels.map(([price, size]) => ({
        side,
        priceUnits: Math.round(price * 10 ** priceDecimals),
        amountUnits: Math.round(size * 10 ** sizeDecimals),
      }));
    const levels = [...unitsOf("bid", bids), ...unitsOf("ask", asks)];
    return levels.length === 0 ? [] : this.#update({ isSnapshot: true, levels, timestampNs }, localNs);
  }

  // HOT: once for each event.
  messagesOf(event: TrackedEvent, localNs: bigint): string[] {
    if (event.kind === "trade") return this.#trade(event, localNs);
    return this.wantsBook ? this.#update(event, localNs) : [];
  }

  /** What is over at the end of a range, although no event shows it. */
  end(toNs: bigint, localNs: bigint): string[] {
    return [...this.#snapshots, ...this.#bars].flatMap((computed) => this.#computed(computed.before(toNs), localNs));
  }

  disconnect(localNs: bigint): string {
    const { exchange, symbol } = this.#market;
    const localTimestamp = this.#iso(localNs);
    return JSON.stringify({ type: "disconnect", exchange, symbols: [symbol], localTimestamp });
  }

  #trade(trade: TrackedTrade, localNs: bigint): string[] {
    const texts: string[] = [];
    if (this.#trades) {
      const { price, size } = this.#market.track;
      const { id = null, side, priceUnits, amountUnits, timestampNs } = trade;
      const what = `"id":${JSON.stringify(id)},"price":${numberOf(priceUnits, price)},"amount":${numberOf(amountUnits, size)},"side":"${side}"`;
      texts.push(`{"type":"trade",${this.#head},${what},${this.#times(timestampNs, localNs)}}`);
    }
    for (const bars of this.#bars) {
      texts.push(...this.#computed(bars.before(trade.timestampNs), localNs));
      texts.push(...this.#computed(bars.after(trade), localNs));
    }
    return texts;
  }

  #update(
    {
      levels,
      isSnapshot,
      timestampNs,
    }: Pick<TrackedUpdate, "isSnapshot" | "timestampNs"> & { readonly levels: readonly UnitLevel[] },
    localNs: bigint,
  ): string[] {
    const isWhole = isSnapshot || !this.#isBegun;
    const written = isWhole ? levels.filter(({ amountUnits }) => amountUnits > 0) : levels;
    if (written.length === 0) return [];
    this.#isBegun = true;
    const texts: string[] = [];
    if (this.#changes) {
      const what = `"isSnapshot":${isWhole},"bids":${this.#levels(written, "bid")},"asks":${this.#levels(written, "ask")}`;
      texts.push(`{"type":"book_change",${this.#head},${what},${this.#times(timestampNs, localNs)}}`);
    }
    if (this.#snapshots.length === 0) return texts;
    for (const snapshots of this.#snapshots) texts.push(...this.#computed(snapshots.before(timestampNs), localNs));
    if (isWhole) this.#book.clear();
    for (const { side, priceUnits, amountUnits } of written) this.#book.set(side, priceUnits, amountUnits);
    for (const snapshots of this.#snapshots) {
      texts.push(...this.#computed(snapshots.after(this.#book, timestampNs), localNs));
    }
    return texts;
  }

  #levels(levels: readonly UnitLevel[], wanted: UnitLevel["side"]): string {
    const { price, size } = this.#market.track;
    let text = "";
    for (const { side, priceUnits, amountUnits } of levels) {
      if (side !== wanted) continue;
      text += `${text === "" ? "" : ","}{"price":${numberOf(priceUnits, price)},"amount":${numberOf(amountUnits, size)}}`;
    }
    return `[${text}]`;
  }

  #computed(message: ComputedMessage | undefined, localNs: bigint): string[] {
    if (message === undefined) return [];
    const { type, timestampNs, ...content } = message;
    const what = JSON.stringify(content).slice(1, -1);
    return [`{"type":"${type}",${this.#head},${what},${this.#times(timestampNs, localNs)}}`];
  }

  #times(timestampNs: bigint, localNs: bigint): string {
    return `"timestamp":"${this.#iso(timestampNs)}","localTimestamp":"${this.#iso(localNs)}"`;
  }

  #iso(ns: bigint): string {
    return exactIso(ns, this.#market.times);
  }
}
