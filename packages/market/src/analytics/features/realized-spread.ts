import type { FrameMoment } from "../../frame/frame-analytics.js";

const horizonNs = 5e9;
/** Trades of the last 5 s that are remembered; of more than that the oldest are let go. */
const most = 10_000;

interface Waiting {
  readonly dueNs: number;
  readonly timestamp: string;
  readonly price: number;
  readonly size: number;
  readonly sign: 1 | -1;
}

/** What became known with a frame. */
export interface RealizedSpread {
  /** Price units; negative where the price went the taker's way. */
  readonly spread: number;
  /** Times of the trades, each once, oldest first. */
  readonly of: readonly string[];
}

/**
 * Realised spread: 2 D (price - mid 5 s after the trade), D = +1 for a buyer who took and -1 for a seller, which is what whoever
 * provided the liquidity kept of the effective spread (Huang and Stoll 1996, "Dealer versus auction markets"). It is known 5 s
 * later, and so belongs to the first frame that is not earlier than that. The mid is the one in force at that moment: of the
 * last frame at or before it. Several trades make one number, weighted by size. Trades of unknown side have none, nor has one
 * whose 5 s end in a gap.
 */
export class RealizedSpreads {
  /** By the time at which they are due. */
  #waiting: Waiting[] = [];
  #first = 0;

  /** `before`: the frame before, unless a gap lies between. `tradeNs`: when each of the frame's trades took place. */
  update(moment: FrameMoment, before: FrameMoment | undefined, tradeNs: readonly number[]): RealizedSpread | undefined {
    const known = before === undefined ? this.#forget() : this.#settle(moment, before);
    const { trades } = moment;
    for (let at = 0; at < trades.length; at++) {
      const trade = trades[at];
      if (trade === undefined || trade.side === "unknown" || !Number.isFinite(trade.size)) continue;
      const dueNs = (tradeNs[at] ?? moment.ns) + horizonNs;
      if (dueNs <= moment.ns) continue; // so late that the mid after it has passed
      const { timestamp, price, size, side } = trade;
      this.#add({ dueNs, timestamp, price, size, sign: side === "buy" ? 1 : -1 });
    }
    return known;
  }

  #settle(moment: FrameMoment, before: FrameMoment): RealizedSpread | undefined {
    let sum = 0;
    let size = 0;
    const of: string[] = [];
    for (let next = this.#waiting[this.#first]; next !== undefined; next = this.#waiting[this.#first]) {
      if (next.dueNs > moment.ns) break;
      this.#first++;
      const mid = next.dueNs === moment.ns ? moment.mid : before.mid;
      sum += 2 * next.sign * (next.price - mid) * next.size;
      size += next.size;
      if (of[of.length - 1] !== next.timestamp) of.push(next.timestamp);
    }
    if (this.#first > 1_000) {
      this.#waiting = this.#waiting.slice(this.#first);
      this.#first = 0;
    }
    const spread = sum / size;
    return size > 0 && Number.isFinite(spread) ? { spread, of } : undefined;
  }

  #forget(): undefined {
    this.#waiting = [];
    this.#first = 0;
  }

  #add(trade: Waiting): void {
    const waiting = this.#waiting;
    if (waiting.length - this.#first >= most) this.#first++;
    let at = waiting.length;
    while (at > this.#first && (waiting[at - 1]?.dueNs ?? 0) > trade.dueNs) at--;
    if (at === waiting.length) waiting.push(trade);
    else waiting.splice(at, 0, trade);
  }
}
