import type { MarketTrade } from "../../frame/frame-analytics.js";
import { RecentRate } from "../running-statistics.js";

/** Buckets that count, and seconds of ordinary trading that one of them holds: together five minutes. */
const buckets = 50;
const secondsPerBucket = 6;
/** Seconds over which "ordinary" is learned. */
const scaleSeconds = 300;

/**
 * Volume-synchronised probability of informed trading (Easley, Lopez de Prado and O'Hara 2012, "Flow toxicity and liquidity in
 * a high-frequency world"): trades fill buckets of equal volume V one after the other, and
 *   VPIN = sum |V_buy - V_sell| / sum V  over the last 50 full buckets.
 * 0 (both sides alike) to 1; 0 before the first bucket is full. V is what the instrument trades in 6 s, by its rate of the last
 * 5 minutes, and settled when a bucket begins. The paper splits volume by price changes since it did not know the sides; here
 * they are known, and what is not known counts half for each.
 */
export class Vpin {
  value = 0;
  readonly #rate = new RecentRate(scaleSeconds);
  readonly #imbalances = new Float64Array(buckets);
  readonly #sizes = new Float64Array(buckets);
  #next = 0;
  #bucket = 0;
  #filled = 0;
  #signed = 0;

  /** Trades of the last `seconds`. */
  update(seconds: number, trades: readonly MarketTrade[]): void {
    let volume = 0;
    for (const { size } of trades) volume += size;
    this.#rate.add(seconds, volume);
    if (!(this.#bucket > 0)) this.#bucket = this.#usual;
    if (!(this.#bucket > 0)) return;
    let full = false;
    for (const { size, side } of trades) {
      const sign = side === "buy" ? 1 : side === "sell" ? -1 : 0;
      let left = size;
      // Of a trade of more than all buckets hold, only so much can count.
      for (let closed = 0; left > 0 && closed <= buckets; closed++) {
        const part = Math.min(left, this.#bucket - this.#filled);
        left = part < left ? left - part : 0;
        this.#filled += part;
        this.#signed += sign * part;
        if (this.#filled < this.#bucket) continue;
        this.#close();
        full = true;
      }
    }
    if (full) this.value = this.#ratio;
  }

  get #usual(): number {
    return this.#rate.rate * secondsPerBucket;
  }

  #close(): void {
    this.#imbalances[this.#next] = Math.abs(this.#signed);
    this.#sizes[this.#next] = this.#bucket;
    this.#next = (this.#next + 1) % buckets;
    this.#bucket = this.#usual || this.#bucket;
    this.#filled = 0;
    this.#signed = 0;
  }

  get #ratio(): number {
    let imbalance = 0;
    let volume = 0;
    for (let at = 0; at < buckets; at++) {
      imbalance += this.#imbalances[at] ?? 0;
      volume += this.#sizes[at] ?? 0;
    }
    return volume > 0 ? imbalance / volume : 0;
  }
}
