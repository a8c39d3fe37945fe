import { isoOfNs, type TimeDecimals } from "@tapedeck/protocol";
import {
  BookReplay,
  type FullBook,
  type TrackDecimals,
  type TrackedLevel,
  type TrackedTrade,
  type TrackedUpdate,
} from "@tapedeck/tape";
import type { TimedMessage } from "./market-messages.js";

/** The channels that there are, by Tardis' names. */
export const binanceChannels = ["trade", "depth", "depthSnapshot"] as const;
export type BinanceChannel = (typeof binanceChannels)[number];

interface WrittenMarket {
  readonly symbol: string;
  readonly isFutures: boolean;
  /** Decimals of a second in its times. */
  readonly times: TimeDecimals;
  readonly track: TrackDecimals;
  readonly channels: ReadonlySet<BinanceChannel>;
}

type TextLevel = readonly [price: string, amount: string];

/**
 * Writes a tape's events as Binance's own streams, as Tardis keeps them: a time of receipt, and a message. Update ids are not the venue's: events that the tape
 * derived or applied again have none that fit. They follow from the events' numbers, so that each diff follows the one before, and a snapshot lies between two.
 */
export class BinanceMessages {
  readonly #market: WrittenMarket;
  readonly #stream: string;
  readonly #book = new BookReplay().book;
  /** The last event in the book; -1 for none. */
  #n = -1;
  #localNs = 0n;

  constructor(market: WrittenMarket) {
    this.#market = market;
    this.#stream = market.symbol.toLowerCase();
  }

  /** The whole book with which a range begins. */
  snapshot({ n, bids, asks }: FullBook, timestampNs: bigint, localNs: bigint): TimedMessage[] {
    const { track, channels, isFutures } = this.#market;
    const units = (value: number, decimals: number) => Math.round(value * 10 ** decimals);
    for (const [price, size] of bids) this.#book.set("bid", units(price, track.price), units(size, track.size));
    for (const [price, size] of asks) this.#book.set("ask", units(price, track.price), units(size, track.size));
    this.#n = n;
    if (!channels.has("depthSnapshot")) return [];
    const texts = (levels: FullBook["bids"]): TextLevel[] =>
      levels.map(([price, size]) => [price.toFixed(track.price), size.toFixed(track.size)]);
    const time = this.#time(timestampNs);
    const times = isFutures ? { E: time, T: time } : {};
    const data = { lastUpdateId: afterLast(n), ...times, bids: texts(bids), asks: texts(asks) };
    return [this.#line({ stream: `${this.#stream}@depthSnapshot`, generated: true, data }, localNs)];
  }

  trade({ n, id, side, price, amount, timestampNs, receivedNs }: TrackedTrade): TimedMessage[] {
    if (!this.#market.channels.has("trade")) return [];
    const time = this.#time(timestampNs);
    const data = {
      ...{ e: "trade", E: time, s: this.#market.symbol, t: idOf(id) ?? n, p: price, q: amount, T: time },
      ...(this.#market.isFutures && { X: "MARKET" }),
      m: side === "sell",
    };
    return [this.#line({ stream: `${this.#stream}@trade`, data }, receivedNs)];
  }

  update(update: TrackedUpdate): TimedMessage[] {
    const { n, timestampNs, receivedNs, isSnapshot } = update;
    // Clients take no second snapshot: a whole book is a diff that removes what it has not.
    const removed = isSnapshot ? this.#levelsOutside(update.levels) : [];
    for (const { side, priceUnits, amountUnits } of update.levels) this.#book.set(side, priceUnits, amountUnits);
    const ids = { U: afterLast(this.#n), u: lastOf(n), ...(this.#market.isFutures && { pu: lastOf(this.#n) }) };
    this.#n = n;
    if (!this.#market.channels.has("depth")) return [];
    const side = (name: TrackedLevel["side"]): TextLevel[] => [
      ...removed.flatMap(([of, price]): TextLevel[] => (of === name ? [[price, "0"]] : [])),
      ...update.levels.flatMap((level): TextLevel[] => (level.side === name ? [[level.price, level.amount]] : [])),
    ];
    const time = this.#time(timestampNs);
    const times = { E: time, ...(this.#market.isFutures && { T: time }) };
    const data = { e: "depthUpdate", ...times, s: this.#market.symbol, ...ids, b: side("bid"), a: side("ask") };
    return [this.#line({ stream: `${this.#stream}@depth@100ms`, data }, receivedNs)];
  }

  /** Removes the levels of the book that a whole book does not have. */
  #levelsOutside(levels: readonly TrackedLevel[]): [side: TrackedLevel["side"], price: string][] {
    const { price: decimals } = this.#market.track;
    return (["bid", "ask"] as const).flatMap((side) => {
      const book = this.#book.side(side);
      const kept = new Set(levels.flatMap((level) => (level.side === side ? [level.priceUnits] : [])));
      const gone = book.top(book.depth).flatMap(([price]) => (kept.has(price) ? [] : [price]));
      for (const price of gone) book.set(price, 0);
      return gone.map((price): [TrackedLevel["side"], string] => [side, (price / 10 ** decimals).toFixed(decimals)]);
    });
  }

  /** Binance writes milliseconds, or microseconds for who asks for them. */
  #time(ns: bigint): number {
    return Number(ns / (this.#market.times === 3 ? 1_000_000n : 1_000n));
  }

  #line(message: object, receivedNs: bigint): TimedMessage {
    if (receivedNs > this.#localNs) this.#localNs = receivedNs;
    const received = `${isoOfNs(this.#localNs, 9).slice(0, -3)}Z`; // seven decimals, as clients expect
    return { localNs: this.#localNs, text: `${received} ${JSON.stringify(message)}` };
  }
}

/** `u` of the event with a number, and 0 for none. */
function lastOf(n: number): number {
  return 2 * n + 2;
}

/** The id after the event with a number: `U` of the next one, and `lastUpdateId` of a snapshot between the two. */
function afterLast(n: number): number {
  return lastOf(n) + 1;
}

/** A trade's id if it is a number that JSON holds exactly. */
function idOf(id: string | undefined): number | undefined {
  const number = Number(id);
  return id !== undefined && Number.isSafeInteger(number) && String(number) === id ? number : undefined;
}
