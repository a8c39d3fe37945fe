import { type BookLevel, type BookSideName, OrderBook } from "@tapedeck/market";

/**
 * The tape's book and what our orders have taken from it. The market does not react: a level keeps the size that the tape says, and what
 * was taken from it stays taken until the tape sets another size.
 */
export class TapeBook {
  readonly levels = new OrderBook();
  /** By side: what was taken, by price. */
  readonly taken = { bid: new Map<number, number>(), ask: new Map<number, number>() };

  // HOT: once per level of a tape.
  set(side: BookSideName, price: number, amount: number): void {
    const taken = this.taken[side];
    const levels = side === "bid" ? this.levels.bids : this.levels.asks;
    if (taken.size > 0 && taken.has(price) && levels.sizeOf(price) !== amount) taken.delete(price);
    levels.set(price, amount);
  }

  /** Replaces the whole book. Levels that keep their size keep what was taken from them. */
  replace(bids: readonly BookLevel[], asks: readonly BookLevel[]): void {
    const before = new Map<string, number>();
    for (const side of ["bid", "ask"] as const) {
      for (const price of this.taken[side].keys()) before.set(`${side}${price}`, this.size(side, price));
    }
    this.levels.clear();
    for (const [price, size] of bids) this.levels.bids.set(price, size);
    for (const [price, size] of asks) this.levels.asks.set(price, size);
    for (const side of ["bid", "ask"] as const) {
      for (const price of [...this.taken[side].keys()]) {
        if (this.size(side, price) !== before.get(`${side}${price}`)) this.taken[side].delete(price);
      }
    }
  }

  /** What rests at a price, as the tape says. */
  size(side: BookSideName, price: number): number {
    return this.levels.side(side).sizeOf(price);
  }

  best(side: BookSideName): number | undefined {
    return this.levels.side(side).bestPrice;
  }

  take(side: BookSideName, price: number, amount: number): void {
    this.taken[side].set(price, (this.taken[side].get(price) ?? 0) + amount);
  }

  /** The levels of a side from which something can be taken, best first, with how much. Not beyond a price, if one is given. */
  *available(side: BookSideName, limit: number | undefined): Generator<BookLevel, void, undefined> {
    const levels = this.levels.side(side);
    for (let place = 0; place < levels.depth; place++) {
      const price = levels.priceAt(place) ?? 0;
      if (limit !== undefined && isBeyond(side, price, limit)) return;
      const amount = levels.sizeAt(place) - (this.taken[side].get(price) ?? 0);
      if (amount > 0) yield [price, amount];
    }
  }
}

/** Whether a level of this side is worse for its taker than the limit. */
export function isBeyond(side: BookSideName, price: number, limit: number): boolean {
  return side === "ask" ? price > limit : price < limit;
}
