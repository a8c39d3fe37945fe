import { BinanceError } from "./binance-error.js";

/** Orders that a session's bots may place in ten seconds of wall time, as `exchangeInfo` says. */
export const mostOrders = 300;
/** Seconds. */
export const orderWindow = 10;

/**
 * Counts the orders that each session's bots have placed on this node in the present window, as the venue's answers say it. Counting on each node
 * keeps Redis out of it: the limit protects the node, and shows a bot how it would fare.
 */
export class OrderCounts {
  readonly #now: () => number;
  #window = 0;
  readonly #placed = new Map<string, number>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Counts new orders. @throws BinanceError -1015 beyond the limit: then they are not counted */
  count(session: string, orders: number): void {
    const placed = this.placed(session) + orders;
    if (placed <= mostOrders) {
      this.#placed.set(session, placed);
      return;
    }
    const retryAfter = orderWindow - ((this.#now() / 1000) % orderWindow);
    const message = `Too many new orders; current limit is ${mostOrders} orders per ${orderWindow} SECOND.`;
    throw new BinanceError("TOO_MANY_ORDERS", message, { status: 429, retryAfter });
  }

  /** How many there are in this window. */
  placed(session: string): number {
    const window = Math.floor(this.#now() / (orderWindow * 1000));
    if (window !== this.#window) this.#placed.clear();
    this.#window = window;
    return this.#placed.get(session) ?? 0;
  }
}
