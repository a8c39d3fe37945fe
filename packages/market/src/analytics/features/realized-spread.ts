import type { FrameMoment } from "../../frame/frame-analytics.js";

const horizonNs = 5e9;
/** Most pending trades; beyond that the oldest are dropped. */
const most = 10_000;

interface PendingTrade {
  readonly dueNs: number;
  readonly timestamp: string;
  readonly price: number;
  readonly size: number;
  readonly sign: 1 | -1;
}

/** Realised spread that became known with a frame. */
export interface RealizedSpread {
  /** Price units; negative if the price moved in the taker's favour. */
  readonly spread: number;
  /** Distinct times of the trades, oldest first. */
  readonly of: readonly string[];
}

/**
 * Realised spread: 2 D (price - mid 5 s after the trade), D = +1 for a buying taker and -1 for a selling one. It is the part of the
 * effective spread that the liquidity provider kept (Huang and Stoll 1996, "Dealer versus auction markets"). It is known 5 s later,
 * so it is in the first frame that is not earlier than that. The mid is that of the last frame at or before that time. Several
 * trades make one number, weighted by size. Trades of unknown side, or whose 5 s include a gap, have none.
 */
export class RealizedSpreads {
  /** Trades by due time. */
  #pending: PendingTrade[] = [];
  #first = 0;

  setTo(other: RealizedSpreads): void {
    this.#pending = other.#pending.slice(other.#first);
    this.#first = 0;
  }

  /** `before`: the previous frame, unless a gap lies between. `tradeNs`: tape time of each of the frame's trades. */
  update(moment: FrameMoment, before: FrameMoment | undefined, tradeNs: readonly number[]): RealizedSpread | undefined {
    const known = before === undefined ? this.#reset() : this.#settle(moment, before);
    const { trades } = moment;
    for (let at = 0; at < trades.length; at++) {
      const trade = trades[at];
      if (trade === undefined || trade.side === "unknown" || !Number.isFinite(trade.size)) continue;
      const dueNs = (tradeNs[at] ?? moment.ns) + horizonNs;
      if (dueNs <= moment.ns) continue; // too late: the mid 5 s after it has passed
      const { timestamp, price, size, side } = trade;
      this.#add({ dueNs, timestamp, price, size, sign: side === "buy" ? 1 : -1 });
    }
    return known;
  }

  #settle(moment: FrameMoment, before: FrameMoment): RealizedSpread | undefined {
    let sum = 0;
    let size = 0;
    const of: string[] = [];
    for (let next = this.#pending[this.#first]; next !== undefined; next = this.#pending[this.#first]) {
      if (next.dueNs > moment.ns) break;
      this.#first++;
      const mid = next.dueNs === moment.ns ? moment.mid : before.mid;
      sum += 2 * next.sign * (next.price - mid) * next.size;
      size += next.size;
      if (of[of.length - 1] !== next.timestamp) of.push(next.timestamp);
    }
    if (this.#first > 1_000) {
      this.#pending = this.#pending.slice(this.#first);
      this.#first = 0;
    }
    const spread = sum / size;
    return size > 0 && Number.isFinite(spread) ? { spread, of } : undefined;
  }

  #reset(): undefined {
    this.#pending = [];
    this.#first = 0;
  }

  #add(trade: PendingTrade): void {
    const pending = this.#pending;
    if (pending.length - this.#first >= most) this.#first++;
    let at = pending.length;
    while (at > this.#first && (pending[at - 1]?.dueNs ?? 0) > trade.dueNs) at--;
    if (at === pending.length) pending.push(trade);
    else pending.splice(at, 0, trade);
  }
}
