import type { MarketTrade } from "../../frame/frame-analytics.js";
import { RecentRate } from "../running-statistics.js";

/** Number of buckets, and seconds of ordinary trading in one: together five minutes. */
const buckets = 50;
const secondsPerBucket = 6;
/** Seconds over which ordinary trading is averaged. */
const scaleSeconds = 300;

/**
 * Volume-synchronised probability of informed trading (Easley, Lopez de Prado and O'Hara 2012, "Flow toxicity and liquidity in
 * a high-frequency world"): trades fill buckets of equal volume V one after another, and
 *   VPIN = sum |V_buy - V_sell| / sum V  over the last 50 full buckets.
 * 0 (balanced) to 1; 0 before the first bucket is full. V is the volume traded in 6 s at the rate of the last 5 minutes, fixed when a
 * bucket begins. The paper infers sides from price changes; here sides are known, and an unknown side counts half for each.
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

  setTo(other: Vpin): void {
    this.value = other.value;
    this.#rate.setTo(other.#rate);
    this.#imbalances.set(other.#imbalances);
    this.#sizes.set(other.#sizes);
    this.#next = other.#next;
    this.#bucket = other.#bucket;
    this.#filled = other.#filled;
    this.#signed = other.#signed;
  }

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
      // A trade larger than all buckets together counts only that much.
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
