import { type BookLevel, type BookSideName, OrderBook } from "@tapedeck/market";
import { type BookRows, effectiveStates } from "./batches.js";

/**
 * Rebuilds the full book from batches of a track, in their order. Prices and amounts in it are integers that count the last decimal, as in
 * the batches: sums and comparisons of them are exact.
 */
export class BookReplay {
  /** The last event that changed the book, or that the start has; -1: none. */
  n = -1;
  readonly book = new OrderBook();

  /** Replaces the book by all levels as they were after event `n`. */
  start(n: number, levels: Iterable<readonly [side: BookSideName, ...BookLevel]>): void {
    this.book.clear();
    for (const [side, price, amount] of levels) this.book.set(side, price, amount);
    this.n = n;
  }

  // HOT: once per level of a track that is read.
  /** Applies rows `start` to `end`: whole events, since a snapshot begins with the first row of its event. */
  apply({ n, state, isSnapshot, side, price, amount }: BookRows, start = 0, end = n.length): void {
    const { bids, asks } = this.book;
    for (let at = start; at < end; at++) {
      if ((state[at] ?? effectiveStates) >= effectiveStates) continue;
      const event = n[at] ?? this.n;
      if (event !== this.n) {
        this.n = event;
        if (isSnapshot[at] === 1) this.book.clear();
      }
      (side[at] === 0 ? bids : asks).set(price[at] ?? 0, amount[at] ?? 0);
    }
  }
}
