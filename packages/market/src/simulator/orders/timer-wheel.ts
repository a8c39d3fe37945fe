import type { RestingOrder } from "./resting-orders.js";

/**
 * At which millisecond of a segment an order's time comes: then it goes, or goes where it now belongs. Orders of one
 * millisecond are linked with one another, so that putting one in, moving it and taking it out cost next to nothing.
 */
export class TimerWheel {
  readonly #first: (RestingOrder | undefined)[];

  constructor(milliseconds: number) {
    this.#first = new Array<RestingOrder | undefined>(milliseconds).fill(undefined);
  }

  /** Puts an order down for a millisecond, instead of the one it was down for. Beyond the end it stays. */
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

  /** Takes out one that is due at this millisecond; undefined where there is none left. */
  takeDue(ms: number): RestingOrder | undefined {
    const order = this.#first[ms];
    if (order !== undefined) this.cancel(order);
    return order;
  }
}
