import type { BookSideName } from "../../book/order-book.js";
import type { FlowParameters } from "../instrument.js";
import { nextChangeMs, type PriceSegment } from "../price-path.js";
import type { RandomStream } from "../random/random-stream.js";

/** What comes: a market order, or a limit order so many ticks behind the best price. */
type Arrival =
  | { readonly kind: "take"; readonly side: "buy" | "sell" }
  | { readonly kind: "order"; readonly side: BookSideName; readonly distance: number };

/**
 * When orders come. Market orders are a self-exciting process (Hawkes 1971): each makes more of them likely for a while, more on
 * its own side, and calls forth limit orders at the best prices; what it adds to the rates falls exponentially. Times are drawn by
 * thinning (Lewis and Shedler 1979): between arrivals rates only fall, so a candidate's time is drawn with the rates as they are,
 * and it stands with the share of them that is left by then.
 */
export class OrderArrivals {
  /** What is staged makes more or less of the ordinary flow; 1 without it. Call `plan` after a change. */
  readonly multipliers = { takeBuy: 1, takeSell: 1, orders: 1 };
  readonly #flow: FlowParameters;
  readonly #path: PriceSegment;
  readonly #random: RandomStream;
  /** Left of what an arrival added to a rate, a millisecond later. */
  readonly #forget: number;
  readonly #rates = { buys: 0, sells: 0, best: 0, behind: 0 };
  #excitedBuy: number;
  #excitedSell: number;
  #excitedOrders: number;
  #ratedMs = 0;
  #nextMs = 0;
  #isCandidate = false;
  #bound = 0;

  constructor(flow: FlowParameters, path: PriceSegment, random: RandomStream) {
    this.#flow = flow;
    this.#path = path;
    this.#random = random;
    this.#forget = 1 - 1 / flow.takeMemoryMs;
    // What the flow before the border has left behind, on average.
    const followed = flow.takeSelf + flow.takeCross;
    this.#excitedBuy = (flow.takeRate * followed) / (1 - followed);
    this.#excitedSell = this.#excitedBuy;
    this.#excitedOrders = (2 * flow.refill * flow.takeRate) / (1 - followed);
  }

  /** Millisecond of the segment at which `next` is to be asked. */
  get nextMs(): number {
    return this.#nextMs;
  }

  /** What comes at this millisecond, if anything does. `plan` has to follow. */
  next(nowMs: number): Arrival | undefined {
    if (!this.#isCandidate) return undefined;
    const bound = this.#bound;
    const { buys, sells, best, behind } = this.#ratesAt(nowMs);
    const draw = this.#random.uniform() * bound;
    const takes = buys + sells;
    if (draw < takes) return { kind: "take", side: draw < buys ? "buy" : "sell" };
    const orders = takes + 2 * best;
    if (draw < orders) return { kind: "order", side: draw < takes + best ? "bid" : "ask", distance: 0 };
    if (draw >= orders + 2 * behind) return undefined;
    const distance = 1 + this.#random.integerBelow(this.#flow.depth);
    return { kind: "order", side: draw < orders + behind ? "bid" : "ask", distance };
  }

  /** A market order has come. */
  excite(side: "buy" | "sell"): void {
    const { takeMemoryMs, takeSelf, takeCross, refill } = this.#flow;
    const perSecond = 1_000 / takeMemoryMs;
    this.#excitedBuy += (side === "buy" ? takeSelf : takeCross) * perSecond;
    this.#excitedSell += (side === "sell" ? takeSelf : takeCross) * perSecond;
    this.#excitedOrders += refill * perSecond;
  }

  /** Draws the time of the next candidate, at most as far as liveliness stays what it is. Waiting times have no memory. */
  plan(nowMs: number): void {
    const { buys, sells, best, behind } = this.#ratesAt(nowMs);
    this.#bound = buys + sells + 2 * (best + behind);
    const candidateMs = nowMs + Math.ceil(this.#random.exponential(1_000 / this.#bound));
    const changeMs = nextChangeMs(nowMs);
    this.#isCandidate = candidateMs < changeMs;
    this.#nextMs = Math.min(candidateMs, changeMs);
  }

  /** Per second, of limit orders per second and side. */
  #ratesAt(nowMs: number): Readonly<Record<"buys" | "sells" | "best" | "behind", number>> {
    for (; this.#ratedMs < nowMs; this.#ratedMs++) {
      this.#excitedBuy *= this.#forget;
      this.#excitedSell *= this.#forget;
      this.#excitedOrders *= this.#forget;
    }
    const lively = this.#path.activityAt(nowMs);
    const calm = 0.7 + 0.3 * lively;
    const rates = this.#rates;
    rates.buys = this.#flow.takeRate * lively * this.multipliers.takeBuy + this.#excitedBuy;
    rates.sells = this.#flow.takeRate * lively * this.multipliers.takeSell + this.#excitedSell;
    rates.best = (this.#flow.bestRate * calm + this.#excitedOrders) * this.multipliers.orders;
    rates.behind = this.#flow.deepRate * calm * this.multipliers.orders;
    return rates;
  }
}

/** Beyond this a single order would be larger than all that a market of this kind holds. */
const mostTimes = 2_000;

export function orderLots(random: RandomStream, flow: FlowParameters): number {
  const block = random.chance(1 / flow.blockEvery) ? flow.blockTimes : 1;
  return bounded(random.logNormal(flow.orderLots * block, flow.orderSigma), flow.orderLots);
}

export function takeLots(random: RandomStream, flow: FlowParameters): number {
  return bounded(random.logNormal(flow.takeLots, flow.takeSigma), flow.takeLots);
}

function bounded(lots: number, median: number): number {
  return Math.max(1, Math.min(median * mostTimes, Math.floor(lots)));
}
