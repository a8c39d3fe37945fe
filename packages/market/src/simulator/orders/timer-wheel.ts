import type { OrderCopies, RestingOrder } from "./resting-orders.js";

/** A power of two, about as many as there are orders: then a slot has one or two. */
const slots = 1_024;

/**
 * When an order expires, or moves to its new price: a hashed timing wheel (Varghese and Lauck 1987). The orders of a slot are a linked list, the last
 * scheduled first, so that scheduling, moving and cancelling take constant time. One slot per millisecond of a segment would be as fast,
 * but half a megabyte in each copy.
 */
export class TimerWheel {
  readonly #milliseconds: number;
  readonly #first = new Array<RestingOrder | undefined>(slots).fill(undefined);

  constructor(milliseconds: number) {
    this.#milliseconds = milliseconds;
  }

  /** The same orders at the same times. */
  copy(copies: OrderCopies): TimerWheel {
    const copy = new TimerWheel(this.#milliseconds);
    for (let slot = 0; slot < slots; slot++) {
      let earlier: RestingOrder | undefined;
      for (let order = this.#first[slot]; order !== undefined; order = order.later) {
        const same = copies.of(order);
        same.earlier = earlier;
        if (earlier === undefined) copy.#first[slot] = same;
        else earlier.later = same;
        earlier = same;
      }
    }
    return copy;
  }

  /** Schedules an order, instead of its previous time. An order due after the end of the segment stays in the book. */
  schedule(order: RestingOrder, ms: number): void {
    this.cancel(order);
    order.dueMs = ms;
    if (ms >= this.#milliseconds) return;
    const slot = ms & (slots - 1);
    const first = this.#first[slot];
    order.later = first;
    if (first !== undefined) first.earlier = order;
    this.#first[slot] = order;
  }

  cancel(order: RestingOrder): void {
    const { earlier, later, dueMs } = order;
    if (earlier !== undefined) earlier.later = later;
    else if (this.#first[dueMs & (slots - 1)] === order) this.#first[dueMs & (slots - 1)] = later;
    if (later !== undefined) later.earlier = earlier;
    order.earlier = undefined;
    order.later = undefined;
  }

  // HOT: once per millisecond of market time.
  /** Removes and returns an order that is due at this millisecond; undefined if none is left. */
  takeDue(ms: number): RestingOrder | undefined {
    let order = this.#first[ms & (slots - 1)];
    while (order !== undefined && order.dueMs !== ms) order = order.later;
    if (order !== undefined) this.cancel(order);
    return order;
  }
}
