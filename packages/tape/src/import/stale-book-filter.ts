import type { DepthSink, MarketTrade, OrderBook } from "@tapedeck/market";

/** A trade this soon after a book update needs no other one: its own may have come before it. */
const freshNs = 1e9;

/** Where the market goes: in order of time. */
export interface MarketSink {
  /** `trades` are of the very moment, and led to this book. */
  book(ns: number, change: (book: OrderBook) => void, trades: readonly MarketTrade[]): void;
  trade(ns: number, trade: MarketTrade): void;
  gap(fromNs: number, reason: string): void;
}

interface PendingTrade {
  readonly ns: number;
  readonly trade: MarketTrade;
}

/**
 * Tells a quiet book from a dead one. A trade takes from the book, so an update follows it soon; trades that go on for longer
 * than the threshold without one mean that the book's stream was lost. Such trades would be shown on a book that was not the
 * market's any more: they are left out and counted, and the stretch is a marked gap.
 */
export class StaleBookFilter implements DepthSink<MarketTrade> {
  /** Trades of stretches without a living book. */
  tradesLeftOut = 0;
  readonly #silenceNs: number;
  readonly #sink: MarketSink;
  #lastBookNs: number | undefined;
  /** Trades after a quiet of the book, until it is known whether an update follows. */
  #doubtful: PendingTrade[] = [];
  #dead = false;
  /** A gap was marked since the last book: trades behind it are shown on the next book, not on that one. */
  #broken = false;

  constructor(silenceNs: number, sink: MarketSink) {
    this.#silenceNs = silenceNs;
    this.#sink = sink;
  }

  book(ns: number, change: (book: OrderBook) => void, trades: readonly MarketTrade[] = []): void {
    const [first] = this.#doubtful;
    if (this.#dead || (first !== undefined && ns - first.ns > this.#silenceNs)) {
      this.#leaveOut();
      if (this.#lastBookNs !== undefined) this.#sink.gap(this.#lastBookNs, "the book was silent while trades went on");
    }
    const after = this.#broken ? this.#doubtful.splice(0) : [];
    this.#letGo();
    this.#dead = false;
    this.#broken = false;
    this.#lastBookNs = ns;
    this.#sink.book(ns, change, trades);
    for (const { trade } of after) this.#sink.trade(ns, trade);
  }

  trade(ns: number, trade: MarketTrade): void {
    if (this.#lastBookNs === undefined || ns - this.#lastBookNs <= freshNs) {
      this.#sink.trade(ns, trade);
      return;
    }
    this.#doubtful.push({ ns, trade });
    const [first] = this.#doubtful;
    if (this.#dead || (first !== undefined && ns - first.ns > this.#silenceNs)) {
      this.#dead = true;
      this.#leaveOut();
    }
  }

  gap(fromNs: number, reason: string): void {
    this.#broken = true;
    this.#sink.gap(fromNs, reason);
  }

  end(): void {
    this.#letGo();
  }

  #letGo(): void {
    for (const { ns, trade } of this.#doubtful) this.#sink.trade(ns, trade);
    this.#doubtful = [];
  }

  #leaveOut(): void {
    this.tradesLeftOut += this.#doubtful.length;
    this.#doubtful = [];
  }
}
