import type { RestingOrder } from "./resting-orders.js";

/**
 * A timing wheel with one slot per millisecond of a segment: when an order expires, or moves to its new price. The orders of a slot
 * are a linked list, so that scheduling, moving and cancelling take constant time.
 */
export class TimerWheel {
  readonly #first: (RestingOrder | undefined)[];

  constructor(milliseconds: number) {
    this.#first = new Array<RestingOrder | undefined>(milliseconds).fill(undefined);
  }

  /** Schedules an order, instead of its previous time. An order due after the end of the segment stays in the book. */
  schedule(order: RestingOrder, ms: number): void {
    this.cancel(order);
    order.dueMs = ms;
    if (ms >= this.#first.length) return;
    const first = this.#first[ms];
    order.later = first;
    if (first !== undefined) first.earlier = order;
    this.#first[ms] = order;
  }

  cancel(order: RestingOrder): void {
    const { earlier, later, dueMs } = order;
    if (earlier !== undefined) earlier.later = later;
    else if (this.#first[dueMs] === order) this.#first[dueMs] = later;
    if (later !== undefined) later.earlier = earlier;
    order.earlier = undefined;
    order.later = undefined;
  }

  /** Removes and returns an order that is due at this millisecond; undefined if none is left. */
  takeDue(ms: number): RestingOrder | undefined {
    const order = this.#first[ms];
    if (order !== undefined) this.cancel(order);
    return order;
  }
}
