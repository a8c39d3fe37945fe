import type { DepthSink, MarketTrade, OrderBook } from "@tapedeck/market";

/** A trade this soon after a book update is accepted at once: its own update may have preceded it. */
const freshNs = 1e9;

/** Receives the market's events in order of time. */
interface MarketSink {
  /** `trades` are of the same moment and led to this book. */
  book(ns: number, change: (book: OrderBook) => void, trades: readonly MarketTrade[]): void;
  trade(ns: number, trade: MarketTrade): void;
  gap(fromNs: number, reason: string): void;
  /** The trade met a stale book. */
  leftOut?(trade: MarketTrade): void;
}

interface PendingTrade {
  readonly ns: number;
  readonly trade: MarketTrade;
}

/**
 * Tells a quiet book from a stale one. A trade changes the book, so an update follows soon; trades that go on for longer than the
 * threshold without an update mean that the book's stream was lost. Showing such trades on a stale book would be wrong, so they
 * are left out and counted, and the stretch becomes a marked gap.
 */
export class StaleBookFilter implements DepthSink<MarketTrade> {
  /** Trades left out because the book was stale. */
  tradesLeftOut = 0;
  readonly #silenceNs: number;
  readonly #sink: MarketSink;
  #lastBookNs: number | undefined;
  /** Trades since the book went quiet, held until an update follows. */
  #pending: PendingTrade[] = [];
  #stale = false;
  /** A gap was marked since the last book: trades after it are shown on the next book. */
  #gapSinceBook = false;

  constructor(silenceNs: number, sink: MarketSink) {
    this.#silenceNs = silenceNs;
    this.#sink = sink;
  }

  book(ns: number, change: (book: OrderBook) => void, trades: readonly MarketTrade[] = []): void {
    const [first] = this.#pending;
    if (this.#stale || (first !== undefined && ns - first.ns > this.#silenceNs)) {
      this.#dropPending();
      if (this.#lastBookNs !== undefined) this.#sink.gap(this.#lastBookNs, "the book was silent while trades went on");
    }
    const after = this.#gapSinceBook ? this.#pending.splice(0) : [];
    this.#releasePending();
    this.#stale = false;
    this.#gapSinceBook = false;
    this.#lastBookNs = ns;
    this.#sink.book(ns, change, trades);
    for (const { trade } of after) this.#sink.trade(ns, trade);
  }

  trade(ns: number, trade: MarketTrade): void {
    if (this.#lastBookNs === undefined || ns - this.#lastBookNs <= freshNs) {
      this.#sink.trade(ns, trade);
      return;
    }
    this.#pending.push({ ns, trade });
    const [first] = this.#pending;
    if (this.#stale || (first !== undefined && ns - first.ns > this.#silenceNs)) {
      this.#stale = true;
      this.#dropPending();
    }
  }

  gap(fromNs: number, reason: string): void {
    this.#gapSinceBook = true;
    this.#sink.gap(fromNs, reason);
  }

  end(): void {
    this.#releasePending();
  }

  #releasePending(): void {
    for (const { ns, trade } of this.#pending) this.#sink.trade(ns, trade);
    this.#pending = [];
  }

  #dropPending(): void {
    this.tradesLeftOut += this.#pending.length;
    for (const { trade } of this.#pending) this.#sink.leftOut?.(trade);
    this.#pending = [];
  }
}
