import { type BookLevel, type BookSideName, OrderBook } from "@tapedeck/market";

/** The venue's number of an order: a bigint if a double cannot hold it. */
export type OrderId = number | bigint;

export interface RestingOrder {
  readonly side: BookSideName;
  readonly price: number;
  readonly size: number;
}

/** Absolute sizes at the prices that changed; size 0: no level is left. */
export interface LevelChanges {
  readonly bids: readonly BookLevel[];
  readonly asks: readonly BookLevel[];
}

/** The orders that rest in the book of one instrument, and the levels that they make. */
export class RestingOrders {
  readonly #orders = new Map<OrderId, RestingOrder>();
  readonly #book = new OrderBook();
  readonly #changed = { bid: new Set<number>(), ask: new Set<number>() };
  /** Prices at which bids and asks have overlapped since the last time that they did not. */
  #overlap: { low: number; high: number } | undefined;

  /** Adds an order. One with the same id is replaced. */
  add(id: OrderId, order: RestingOrder): void {
    this.#remove(id);
    if (order.size === 0) return;
    this.#orders.set(id, order);
    this.#change(order.side, order.price, order.size);
  }

  /** Reduces an order by `size`; nothing is left of it if it has no more. False if there is no such order. */
  cancel(id: OrderId, size: number): boolean {
    const order = this.#orders.get(id);
    if (order === undefined) return false;
    if (size >= order.size) this.#remove(id);
    else {
      this.#orders.set(id, { ...order, size: order.size - size });
      this.#change(order.side, order.price, -size);
    }
    return true;
  }

  orderOf(id: OrderId): RestingOrder | undefined {
    return this.#orders.get(id);
  }

  has(id: OrderId): boolean {
    return this.#orders.has(id);
  }

  /** What rests of an order; 0 if it is not in the book. */
  sizeOf(id: OrderId): number {
    return this.#orders.get(id)?.size ?? 0;
  }

  /** Removes all orders and levels. */
  clear(): void {
    this.#orders.clear();
    for (const side of [this.#book.bids, this.#book.asks]) this.#clearSide(side.name);
  }

  /** The side is this one level, or nothing: venues without orders say so of their best prices. */
  replaceSide(side: BookSideName, level: BookLevel | undefined): void {
    for (const [id, order] of this.#orders) if (order.side === side) this.#orders.delete(id);
    this.#clearSide(side);
    if (level !== undefined) this.#change(side, level[0], level[1]);
  }

  /** All levels, best first. Forgets the changes so far. */
  levels(): LevelChanges {
    this.takeChanges();
    const { bids, asks } = this.#book;
    return { bids: bids.top(bids.depth), asks: asks.top(asks.depth) };
  }

  /** What changed since the last call. */
  takeChanges(): LevelChanges {
    this.#noteOverlap();
    return { bids: this.#take("bid"), asks: this.#take("ask") };
  }

  #take(side: BookSideName): readonly BookLevel[] {
    const changed = this.#changed[side];
    const levels = Array.from(changed, (price): BookLevel => [price, this.#book.side(side).sizeOf(price)]);
    changed.clear();
    return levels;
  }

  /**
   * Before an auction bids and asks may overlap, and a tape's book removes levels that contradict newer ones of the other side. Once they no
   * longer overlap, the levels there are said again, since their orders may rest still.
   */
  #noteOverlap(): void {
    const { bids, asks, crossed } = this.#book;
    if (crossed) {
      const { low, high } = this.#overlap ?? { low: Number.POSITIVE_INFINITY, high: Number.NEGATIVE_INFINITY };
      this.#overlap = { low: Math.min(low, asks.bestPrice ?? low), high: Math.max(high, bids.bestPrice ?? high) };
    } else if (this.#overlap !== undefined) {
      const { low, high } = this.#overlap;
      for (let place = 0, price = bids.priceAt(0); price !== undefined && price >= low; price = bids.priceAt(++place)) {
        this.#changed.bid.add(price);
      }
      for (
        let place = 0, price = asks.priceAt(0);
        price !== undefined && price <= high;
        price = asks.priceAt(++place)
      ) {
        this.#changed.ask.add(price);
      }
      this.#overlap = undefined;
    }
  }

  #remove(id: OrderId): void {
    const order = this.#orders.get(id);
    if (order === undefined) return;
    this.#orders.delete(id);
    this.#change(order.side, order.price, -order.size);
  }

  // HOT: once or twice per record of an imported file.
  #change(side: BookSideName, price: number, by: number): void {
    const levels = this.#book.side(side);
    levels.set(price, levels.sizeOf(price) + by);
    this.#changed[side].add(price);
  }

  #clearSide(side: BookSideName): void {
    const levels = this.#book.side(side);
    for (const [price] of levels.top(levels.depth)) this.#changed[side].add(price);
    levels.clear();
  }
}
