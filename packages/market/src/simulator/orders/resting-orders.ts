import type { BookSideName } from "../../book/order-book.js";

/** An order that waits in the book, or on its way to a price that is not free yet. */
export interface RestingOrder {
  readonly side: BookSideName;
  /** Ticks behind the best price that it keeps when that moves; undefined for one that stays where it is. */
  readonly distance: number | undefined;
  /** What it is in the next border book, which takes it with all its lots. */
  readonly borderOrder: BorderOrder | undefined;
  /** Where it stands, or stood before it set out. */
  tick: number;
  lots: number;
  /** It no longer stands where it belongs, and goes there when its time comes. */
  moving: boolean;
  /** Kept by the agenda: millisecond at which its time comes, and its neighbours there. */
  dueMs: number;
  earlier: RestingOrder | undefined;
  later: RestingOrder | undefined;
}

/** An order of a border book: how far behind the best price it stands there, and how long it still has. */
export interface BorderOrder {
  readonly side: BookSideName;
  readonly distance: number;
  readonly lots: number;
  readonly lifeMs: number;
}

interface Level {
  lots: number;
  /** First come, first served. */
  readonly orders: RestingOrder[];
}

/** One side's orders by price. Better prices are higher in `direction * tick`. */
export class RestingSide {
  readonly name: BookSideName;
  readonly direction: 1 | -1;
  readonly #levels = new Map<number, Level>();
  #best: number | undefined;
  #touched = new Set<number>();

  constructor(name: BookSideName) {
    this.name = name;
    this.direction = name === "bid" ? 1 : -1;
  }

  /** Tick of the best price; undefined where there is no order. */
  get best(): number | undefined {
    return this.#best;
  }

  /** Prices that have orders. */
  get levels(): number {
    return this.#levels.size;
  }

  lotsAt(tick: number): number {
    return this.#levels.get(tick)?.lots ?? 0;
  }

  /** The first order to be filled. */
  get first(): RestingOrder | undefined {
    return this.#best === undefined ? undefined : this.#levels.get(this.#best)?.orders[0];
  }

  /** Ticks that have orders, best first. */
  ticks(): number[] {
    return [...this.#levels.keys()].sort((a, b) => this.direction * (b - a));
  }

  *[Symbol.iterator](): Iterator<RestingOrder> {
    for (const { orders } of this.#levels.values()) yield* orders;
  }

  add(order: RestingOrder): void {
    const { tick } = order;
    const level = this.#levels.get(tick);
    if (level === undefined) this.#levels.set(tick, { lots: order.lots, orders: [order] });
    else {
      level.lots += order.lots;
      level.orders.push(order);
    }
    if (this.#best === undefined || this.direction * (tick - this.#best) > 0) this.#best = tick;
    this.#touched.add(tick);
  }

  /** Takes an order out of the book; it keeps its lots. */
  remove(order: RestingOrder): void {
    const level = this.#levels.get(order.tick);
    const at = level?.orders.indexOf(order) ?? -1;
    if (level === undefined || at < 0) return;
    this.#touched.add(order.tick);
    level.lots -= order.lots;
    level.orders.splice(at, 1);
    if (level.orders.length > 0) return;
    this.#levels.delete(order.tick);
    if (this.#best === order.tick) this.#best = this.#nextBest();
  }

  /** Takes so many of an order's lots; an order of which nothing is left is no longer in the book. */
  fill(order: RestingOrder, lots: number): void {
    if (lots >= order.lots) {
      this.remove(order);
      order.lots = 0;
      return;
    }
    const level = this.#levels.get(order.tick);
    if (level !== undefined) level.lots -= lots;
    order.lots -= lots;
    this.#touched.add(order.tick);
  }

  /** Lots by tick of what has changed since this was asked last. */
  takeChanges(): [tick: number, lots: number][] {
    if (this.#touched.size === 0) return [];
    const changes = [...this.#touched].map((tick): [number, number] => [tick, this.lotsAt(tick)]);
    this.#touched = new Set();
    return changes;
  }

  #nextBest(): number | undefined {
    let best: number | undefined;
    for (const tick of this.#levels.keys()) {
      if (best === undefined || this.direction * (tick - best) > 0) best = tick;
    }
    return best;
  }
}
