import type { Frame } from "@tapedeck/protocol";

/** An order of the program, under a name of its own. */
export interface NamedOrder {
  readonly client_order_id: string;
  readonly side: "buy" | "sell";
  readonly type: "MARKET" | "LIMIT" | "STOP";
  readonly amount: string;
  readonly price?: string;
  readonly stop_price?: string;
  readonly time_in_force?: "GTC" | "GTX";
}

/** How the program's actions get to the cluster. Each resolves when the cluster has the action or has refused it. */
export interface Desk {
  place(order: NamedOrder): Promise<void>;
  cancel(name: string): Promise<void>;
  replace(name: string, price: string): Promise<void>;
}

const tick = 0.1;
/** Resting orders that the program keeps; it cancels the oldest beyond them. */
const mostResting = 6;

/**
 * A strategy: what it does with a frame is a function of that frame and of those before it. It knows neither clock nor chance, and does not look at
 * its orders, so every run of it on one part of a tape sends the same actions at the same frames.
 */
export class Program {
  readonly #desk: Desk;
  readonly #resting: string[] = [];
  #frames = 0;
  #orders = 0;

  constructor(desk: Desk) {
    this.#desk = desk;
  }

  /** Resolves when all that it does with this frame has been answered. */
  async handle({ best_bid: bid, best_ask: ask, q_bid, q_ask }: Frame): Promise<void> {
    const nth = this.#frames++;
    if (bid === null || ask === null) return;
    const side = q_bid > q_ask ? "buy" : "sell";
    const [near, far] = side === "buy" ? [bid, ask] : [ask, bid];
    if (nth % 4 === 0) await this.#rest(side, near);
    if (nth % 9 === 2) await this.#desk.place({ ...this.#named(), side, type: "MARKET", amount: "0.030" });
    if (nth % 15 === 3)
      await this.#desk.place({
        ...this.#named(),
        side,
        type: "STOP",
        amount: "0.020",
        stop_price: text(beyond(side, far)),
      });
    if (nth % 11 === 5) await this.#moveNewest(side, near);
    const oldest = this.#resting.length > mostResting ? this.#resting.shift() : undefined;
    if (oldest !== undefined) await this.#desk.cancel(oldest);
  }

  async #rest(side: "buy" | "sell", price: number): Promise<void> {
    const order = this.#named();
    this.#resting.push(order.client_order_id);
    const time_in_force = this.#orders % 3 === 0 ? "GTX" : "GTC";
    await this.#desk.place({ ...order, side, type: "LIMIT", amount: "0.200", price: text(price), time_in_force });
  }

  async #moveNewest(side: "buy" | "sell", price: number): Promise<void> {
    const newest = this.#resting.at(-1);
    if (newest !== undefined) await this.#desk.replace(newest, text(price + (side === "buy" ? -tick : tick)));
  }

  #named(): { client_order_id: string } {
    return { client_order_id: `order-${++this.#orders}` };
  }
}

/** Where a stop order waits: ten ticks past the other side's best price. */
function beyond(side: "buy" | "sell", best: number): number {
  return side === "buy" ? best + 10 * tick : best - 10 * tick;
}

const text = (price: number) => price.toFixed(1);
