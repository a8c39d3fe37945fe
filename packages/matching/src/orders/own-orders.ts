import type { BookSideName } from "@tapedeck/market";
import { ownSide } from "../tape-events.js";
import { isConditional } from "./order-types.js";
import type { WorkingOrder } from "./working-order.js";

/** The open orders: by number, by their owner's id, and by price and time where they rest. */
export class OwnOrders {
  readonly #byNumber = new Map<number, WorkingOrder>();
  readonly #byId = new Map<string, WorkingOrder>();
  /** In order of time at each price. */
  readonly #resting = { bid: new Map<number, WorkingOrder[]>(), ask: new Map<number, WorkingOrder[]>() };
  /** Prices at which orders rest, best first. */
  readonly #prices: Record<BookSideName, number[]> = { bid: [], ask: [] };
  /** Those that wait for their stop price, in any order. */
  readonly stops = new Set<WorkingOrder>();
  /** Those that may only reduce, in the order of their numbers. */
  readonly reducing = new Set<WorkingOrder>();
  /** Those that end at a time of their own. */
  readonly #dated = new Set<WorkingOrder>();
  #nextToExpire: WorkingOrder | undefined;

  get size(): number {
    return this.#byNumber.size;
  }

  /** In the order of their numbers. */
  values(): Iterable<WorkingOrder> {
    return this.#byNumber.values();
  }

  byId(id: string): WorkingOrder | undefined {
    return this.#byId.get(id);
  }

  add(order: WorkingOrder): void {
    this.#byNumber.set(order.number, order);
    this.#byId.set(order.id, order);
    if (order.reduceOnly === true) this.reducing.add(order);
    if (order.expiresNs !== undefined) {
      this.#dated.add(order);
      this.#nextToExpire = firstToExpire(this.#dated);
    }
    if (isConditional(order) && order.phase !== "waiting") this.stops.add(order);
  }

  /** The other orders of an order's list that are open, in the order of their numbers. */
  withOrder({ list, number }: WorkingOrder): WorkingOrder[] {
    if (list === undefined) return [];
    return [...this.#byNumber.values()].filter((other) => other.list === list && other.number !== number);
  }

  isOpen(order: WorkingOrder): boolean {
    return this.#byNumber.get(order.number) === order;
  }

  /** Puts an open order with a price behind those that rest there. */
  rest(order: WorkingOrder): void {
    const side = ownSide(order.side);
    const price = order.price ?? 0;
    const resting = this.#resting[side].get(price);
    if (resting !== undefined) {
      resting.push(order);
      return;
    }
    this.#resting[side].set(price, [order]);
    this.#prices[side].push(price);
    this.#prices[side].sort((a, b) => (side === "bid" ? b - a : a - b));
  }

  /** It no longer rests, but is open. */
  lift(order: WorkingOrder): void {
    const side = ownSide(order.side);
    const price = order.price ?? 0;
    const resting = this.#resting[side].get(price);
    const at = resting?.indexOf(order) ?? -1;
    if (resting === undefined || at < 0) return;
    resting.splice(at, 1);
    if (resting.length > 0) return;
    this.#resting[side].delete(price);
    this.#prices[side].splice(this.#prices[side].indexOf(price), 1);
  }

  remove(order: WorkingOrder): void {
    this.lift(order);
    this.stops.delete(order);
    this.#byNumber.delete(order.number);
    this.#byId.delete(order.id);
    this.reducing.delete(order);
    if (this.#dated.delete(order)) this.#nextToExpire = firstToExpire(this.#dated);
  }

  /** The order that ends first by its own time; of several the one with the lowest number. */
  get nextToExpire(): WorkingOrder | undefined {
    return this.#nextToExpire;
  }

  /** The best price at which an order rests. */
  best(side: BookSideName): number | undefined {
    return this.#prices[side][0];
  }

  restsAny(side: BookSideName): boolean {
    return this.#prices[side].length > 0;
  }

  /** Best first. Do not change it. */
  prices(side: BookSideName): readonly number[] {
    return this.#prices[side];
  }

  // HOT: once per level of a tape while orders rest.
  /** In order of time. Do not change it. */
  at(side: BookSideName, price: number): readonly WorkingOrder[] | undefined {
    return this.#resting[side].get(price);
  }
}

function firstToExpire(orders: Iterable<WorkingOrder>): WorkingOrder | undefined {
  let first: WorkingOrder | undefined;
  for (const order of orders) if (first === undefined || isSooner(order, first)) first = order;
  return first;
}

function isSooner(one: WorkingOrder, two: WorkingOrder): boolean {
  const [a, b] = [one.expiresNs ?? 0n, two.expiresNs ?? 0n];
  return a < b || (a === b && one.number < two.number);
}
