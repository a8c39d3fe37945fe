import type { BookLevel, BookListener, BookSideName, MarketTrade, OrderBook } from "@tapedeck/market";
import type { TrackDecimals, TrackEvent } from "./track.js";
import { TrackWriter } from "./track-writer.js";

interface RecordedMarket {
  readonly exchange: string;
  readonly symbol: string;
  readonly decimals: TrackDecimals;
  /** Nanoseconds since 1970 of event time 0. */
  readonly originNs: bigint;
}

/** The prices between which a simulated market's book is known. */
const wholly = { low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY };

/**
 * Writes the event track of a simulated market. Its events come in order, and each of them is applied: none is late, repeated or heard at
 * another time than it happened. It learns of the levels from the book.
 */
export class MarketRecorder implements BookListener {
  readonly writer: TrackWriter;
  readonly #originNs: bigint;
  #heard = 0;
  #event: TrackEvent | undefined;
  /** The current event has begun to change the book. */
  #changing = false;

  constructor({ exchange, symbol, decimals, originNs }: RecordedMarket) {
    this.writer = new TrackWriter({ exchange, symbol }, decimals);
    this.#originNs = originNs;
  }

  /** What follows belongs to the event at this time. */
  begin(ns: number): void {
    const timestampNs = this.#originNs + BigInt(ns);
    this.#event = { heard: this.#heard++, timestampNs, receivedNs: timestampNs };
    this.#changing = false;
  }

  changed(bids: Iterable<BookLevel>, asks: Iterable<BookLevel>): void {
    this.#add(false, bids, asks);
  }

  /** A market that begins anew clears the book, and says its levels one by one: all of them are rows of one snapshot. */
  replaced(bids: Iterable<BookLevel>, asks: Iterable<BookLevel>): void {
    this.#add(true, bids, asks);
  }

  removed(side: BookSideName, prices: readonly number[]): void {
    this.writer.addDerived(side, prices);
  }

  traded({ side, price, size }: MarketTrade, shown: boolean): void {
    if (this.#event === undefined) return;
    this.writer.addTrade(this.#event, shown ? "applied" : "left-out", { id: undefined, side, price, amount: size });
  }

  /** The tape's next frame has everything so far. */
  frameMade(book: OrderBook): void {
    this.writer.frameMade(book, wholly);
  }

  #add(isSnapshot: boolean, bids: Iterable<BookLevel>, asks: Iterable<BookLevel>): void {
    if (this.#event === undefined) return;
    if (!this.#changing) this.writer.beginBook(this.#event, "applied", isSnapshot);
    this.#changing = true;
    this.writer.addLevels("bid", bids);
    this.writer.addLevels("ask", asks);
  }
}
