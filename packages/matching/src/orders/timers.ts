import { smaller } from "../larger.js";
import type { OwnOrders } from "./own-orders.js";
import type { WorkingOrder } from "./working-order.js";

/** What happens to open orders at a time, without an event or an action. */
export class Timers {
  readonly #own: OwnOrders;
  /** When all orders that are open are canceled; undefined: there is no countdown. */
  countdownNs: bigint | undefined;

  constructor(own: OwnOrders) {
    this.#own = own;
  }

  /** When the next of it happens; undefined: never. */
  get nextNs(): bigint | undefined {
    const { countdownNs } = this;
    const expiresNs = this.#own.nextToExpire?.expiresNs;
    if (expiresNs === undefined || countdownNs === undefined) return expiresNs ?? countdownNs;
    return smaller(expiresNs, countdownNs);
  }

  /** What happens then: this order expires, or the countdown ends, and there is none any more. */
  take(): WorkingOrder | "countdown" {
    const order = this.#own.nextToExpire;
    const { countdownNs } = this;
    if (order?.expiresNs !== undefined && (countdownNs === undefined || order.expiresNs < countdownNs)) return order;
    this.countdownNs = undefined;
    return "countdown";
  }
}
