import type { BookSideName } from "../../book/order-book.js";

/** An order in the book, or waiting to move to a price that is not free yet. */
export interface RestingOrder {
  /** Its place among all orders of its segment: a copy of the segment has a copy of the order, of the same number. */
  readonly number: number;
  readonly side: BookSideName;
  /** Ticks behind the best price, which the order follows; undefined for an order with a fixed price. */
  readonly distance: number | undefined;
  /** The order of the next border book that this one becomes, with all its lots. */
  readonly borderOrder: BorderOrder | undefined;
  /** Its current price, or the last one while it moves. */
  tick: number;
  lots: number;
  /** It is not at its proper price, and moves there when its timer fires. */
  moving: boolean;
  /** Maintained by the timer wheel: due millisecond, and the neighbours in its slot. */
  dueMs: number;
  earlier: RestingOrder | undefined;
  later: RestingOrder | undefined;
}

/** An order of a border book: its distance behind the best price, and its remaining life. */
export interface BorderOrder {
  readonly side: BookSideName;
  readonly distance: number;
  readonly lots: number;
  readonly lifeMs: number;
}

/** An order that is not in the book yet. */
export function newOrder(
  number: number,
  side: BookSideName,
  lots: number,
  distance: number | undefined,
  borderOrder: BorderOrder | undefined,
): RestingOrder {
  return {
    number,
    side,
    distance,
    borderOrder,
    tick: 0,
    lots,
    moving: false,
    dueMs: 0,
    earlier: undefined,
    later: undefined,
  };
}

/** Copies of the orders of a segment, each made once: the book and the timer wheel have the same ones. */
export class OrderCopies {
  readonly #copies = new Map<number, RestingOrder>();

  /** The copy of an order. Its neighbours in the timer wheel are set there. */
  of(order: RestingOrder): RestingOrder {
    const known = this.#copies.get(order.number);
    if (known !== undefined) return known;
    const { number, side, lots, distance, borderOrder, tick, moving, dueMs } = order;
    const copy = newOrder(number, side, lots, distance, borderOrder);
    copy.tick = tick;
    copy.moving = moving;
    copy.dueMs = dueMs;
    this.#copies.set(number, copy);
    return copy;
  }
}

/** What a price has: its tick and lots, 0 for none. */
export type TickLots = readonly [tick: number, lots: number];

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

  /** The same orders in the same queues. */
  copy(copies: OrderCopies): RestingSide {
    const copy = new RestingSide(this.name);
    // In the order of this map, by which all orders are gone through.
    for (const [tick, { lots, orders }] of this.#levels) {
      copy.#levels.set(tick, { lots, orders: orders.map((order) => copies.of(order)) });
    }
    copy.#best = this.#best;
    copy.#touched = new Set(this.#touched);
    return copy;
  }

  /** Tick of the best price; undefined if there is no order. */
  get best(): number | undefined {
    return this.#best;
  }

  /** Number of prices with orders. */
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

  /** Ticks with orders, best first. */
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

  /** Removes an order from the book; it keeps its lots. */
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

  /** Fills some lots of an order; a completely filled order leaves the book. */
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

  /** Lots of the ticks that have changed since the last call. */
  takeChanges(): TickLots[] {
    if (this.#touched.size === 0) return [];
    const changes = [...this.#touched].map((tick): TickLots => [tick, this.lotsAt(tick)]);
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
