import { BinanceError } from "./binance-error.js";

const minuteMs = 60_000;

/**
 * The weight that each client address has used in the present minute, as Binance counts it. Each node counts its own requests: the limit protects the
 * node, and shows a bot how it would fare.
 */
export class RequestWeights {
  readonly limit: number;
  readonly #now: () => number;
  #minute = 0;
  readonly #used = new Map<string, number>();

  constructor(limit: number, now: () => number) {
    this.limit = limit;
    this.#now = now;
  }

  /** Counts a request. @returns the weight used in this minute. @throws BinanceError -1003 beyond the limit */
  count(address: string, weight: number): number {
    const used = this.used(address) + weight;
    this.#used.set(address, used);
    if (used <= this.limit) return used;
    const retryAfter = Math.ceil(((this.#minute + 1) * minuteMs - this.#now()) / 1000);
    const message = `Too much request weight used; current limit is ${this.limit} request weight per 1 MINUTE. Please use WebSocket Streams for live updates to avoid polling the API.`;
    throw new BinanceError("TOO_MANY_REQUESTS", message, { status: 429, retryAfter });
  }

  /** What an address has used in this minute. */
  used(address: string): number {
    const minute = Math.floor(this.#now() / minuteMs);
    if (minute !== this.#minute) this.#used.clear();
    this.#minute = minute;
    return this.#used.get(address) ?? 0;
  }
}
