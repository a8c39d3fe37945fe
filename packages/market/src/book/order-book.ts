/** `[price, size]` in the units of the instrument. */
export type BookLevel = readonly [price: number, size: number];

export type BookSideName = "bid" | "ask";

/**
 * One side of a book by price. Levels are in an array with the best one last: nearly all changes are near the best price and
 * move few entries.
 */
class BookSide {
  readonly name: BookSideName;
  /** Ascending in `direction * price`: the best is last. */
  readonly #prices: number[] = [];
  readonly #sizes: number[] = [];
  readonly #direction: 1 | -1;

  constructor(name: BookSideName) {
    this.name = name;
    this.#direction = name === "bid" ? 1 : -1;
  }

  /** Takes over the levels of another one. */
  setTo(other: BookSide): void {
    this.clear();
    for (const price of other.#prices) this.#prices.push(price);
    for (const size of other.#sizes) this.#sizes.push(size);
  }

  get depth(): number {
    return this.#prices.length;
  }

  get bestPrice(): number | undefined {
    return this.#prices[this.#prices.length - 1];
  }

  get bestSize(): number {
    return this.#sizes[this.#sizes.length - 1] ?? 0;
  }

  get worstPrice(): number | undefined {
    return this.#prices[0];
  }

  /** Price of the level `place` levels behind the best; 0 is the best. */
  priceAt(place: number): number | undefined {
    return this.#prices[this.#prices.length - 1 - place];
  }

  sizeAt(place: number): number {
    return this.#sizes[this.#sizes.length - 1 - place] ?? 0;
  }

  sizeOf(price: number): number {
    const at = this.#find(price);
    return this.#prices[at] === price ? (this.#sizes[at] ?? 0) : 0;
  }

  // HOT: once per level of an imported update.
  /** Sets the size at a price; 0 removes the level, if there is one. */
  set(price: number, size: number): void {
    const at = this.#find(price);
    if (this.#prices[at] === price) {
      if (size > 0) {
        this.#sizes[at] = size;
      } else {
        this.#prices.splice(at, 1);
        this.#sizes.splice(at, 1);
      }
    } else if (size > 0) {
      this.#prices.splice(at, 0, price);
      this.#sizes.splice(at, 0, size);
    }
  }

  clear(): void {
    this.#prices.length = 0;
    this.#sizes.length = 0;
  }

  /** Replaces the whole side by these levels, in any order. */
  replace(levels: Iterable<BookLevel>): void {
    this.clear();
    const sorted = [...levels].sort((a, b) => this.#direction * (a[0] - b[0]));
    for (const [price, size] of sorted) {
      // Of a price that comes twice, the later size counts.
      if (this.bestPrice === price) {
        this.#prices.pop();
        this.#sizes.pop();
      }
      if (size <= 0) continue;
      this.#prices.push(price);
      this.#sizes.push(size);
    }
  }

  /** Removes the levels at `price` and better ones; returns their prices. */
  removeUpTo(price: number): readonly number[] {
    const at = this.#find(price);
    this.#sizes.length = at;
    return this.#prices.splice(at);
  }

  /** Removes all but the best `count` levels; returns the prices of the others. */
  keep(count: number): readonly number[] {
    const surplus = this.#prices.length - count;
    if (surplus <= 0) return [];
    this.#sizes.splice(0, surplus);
    return this.#prices.splice(0, surplus);
  }

  /** The best `count` levels, best first. */
  top(count: number): BookLevel[] {
    const levels: BookLevel[] = [];
    const end = this.#prices.length;
    for (let at = end - 1; at >= 0 && at >= end - count; at--) {
      levels.push([this.#prices[at] ?? 0, this.#sizes[at] ?? 0]);
    }
    return levels;
  }

  /** Index of the price, or where it would be inserted. */
  #find(price: number): number {
    const key = this.#direction * price;
    let low = 0;
    let high = this.#prices.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#direction * (this.#prices[middle] ?? 0) < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Learns of every change of a book, once it is made: what a lossless record of it needs. */
export interface BookListener {
  /** Absolute sizes at some prices; size 0 removed the level, if there was one. */
  changed(bids: Iterable<BookLevel>, asks: Iterable<BookLevel>): void;
  /** These are all levels now. */
  replaced(bids: Iterable<BookLevel>, asks: Iterable<BookLevel>): void;
  /** No source said so: these levels contradicted newer ones of the other side, or are beyond the depth that is known. */
  removed(side: BookSideName, prices: readonly number[]): void;
}

/** An aggregated (L2) order book. */
export class OrderBook {
  readonly bids = new BookSide("bid");
  readonly asks = new BookSide("ask");
  listener: BookListener | undefined;

  side(name: BookSideName): BookSide {
    return name === "bid" ? this.bids : this.asks;
  }

  /** The same levels, without a listener. */
  copy(): OrderBook {
    const copy = new OrderBook();
    copy.bids.setTo(this.bids);
    copy.asks.setTo(this.asks);
    return copy;
  }

  set(side: BookSideName, price: number, size: number): void {
    this.side(side).set(price, size);
    if (this.listener === undefined) return;
    const level: readonly BookLevel[] = [[price, size]];
    this.listener.changed(side === "bid" ? level : [], side === "ask" ? level : []);
  }

  apply(bids: Iterable<BookLevel>, asks: Iterable<BookLevel>): void {
    for (const [price, size] of bids) this.bids.set(price, size);
    for (const [price, size] of asks) this.asks.set(price, size);
    this.listener?.changed(bids, asks);
  }

  replace(bids: Iterable<BookLevel>, asks: Iterable<BookLevel>): void {
    this.bids.replace(bids);
    this.asks.replace(asks);
    this.listener?.replaced(bids, asks);
  }

  /** Removes all but the best `count` levels of each side: the venue sends no updates beyond them. */
  keep(count: number): void {
    for (const side of [this.bids, this.asks]) this.#tellRemoved(side.name, side.keep(count));
  }

  clear(): void {
    this.bids.clear();
    this.asks.clear();
    this.listener?.replaced([], []);
  }

  /** Undefined while a side is empty. */
  get mid(): number | undefined {
    const bid = this.bids.bestPrice;
    const ask = this.asks.bestPrice;
    return bid === undefined || ask === undefined ? undefined : (bid + ask) / 2;
  }

  /** A bid at or above the best ask. Continuous trading has none, so a level is stale or an update was lost. */
  get crossed(): boolean {
    const bid = this.bids.bestPrice;
    const ask = this.asks.bestPrice;
    return bid !== undefined && ask !== undefined && bid >= ask;
  }

  /**
   * Removes the stale side's levels that overlap the other side. `newer` is the side that was updated last and whose best price
   * is therefore right. Returns how many levels were removed.
   */
  uncross(newer: BookSideName): number {
    const best = this.side(newer).bestPrice;
    if (best === undefined || !this.crossed) return 0;
    const stale = this.side(newer === "bid" ? "ask" : "bid");
    const prices = stale.removeUpTo(best);
    this.#tellRemoved(stale.name, prices);
    return prices.length;
  }

  #tellRemoved(side: BookSideName, prices: readonly number[]): void {
    if (prices.length > 0) this.listener?.removed(side, prices);
  }
}

/** Drives a book whose venue identifies levels by ids: an update has the id and the new size but no price (BitMEX). */
export class KeyedBook {
  readonly #book: OrderBook;
  readonly #levels = new Map<number, { side: BookSideName; price: number }>();

  constructor(book: OrderBook) {
    this.#book = book;
  }

  clear(): void {
    this.#levels.clear();
    this.#book.clear();
  }

  has(id: number): boolean {
    return this.#levels.has(id);
  }

  insert(id: number, side: BookSideName, price: number, size: number): void {
    this.delete(id);
    this.#levels.set(id, { side, price });
    this.#book.set(side, price, size);
  }

  /** False if the id is unknown: a level was lost. */
  update(id: number, size: number): boolean {
    const level = this.#levels.get(id);
    if (level === undefined) return false;
    this.#book.set(level.side, level.price, size);
    return true;
  }

  /** False if the id is unknown. */
  delete(id: number): boolean {
    const level = this.#levels.get(id);
    if (level === undefined) return false;
    this.#levels.delete(id);
    this.#book.set(level.side, level.price, 0);
    return true;
  }
}
