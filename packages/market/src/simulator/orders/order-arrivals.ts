import type { BookSideName } from "../../book/order-book.js";
import type { FlowParameters } from "../instrument.js";
import { nextChangeMs, type PriceSegment } from "../price-path.js";
import type { RandomStream } from "../random/random-stream.js";

/** A market order, or a limit order `distance` ticks behind the best price. */
type Arrival =
  | { readonly kind: "take"; readonly side: "buy" | "sell" }
  | { readonly kind: "order"; readonly side: BookSideName; readonly distance: number };

/**
 * Times and kinds of arriving orders. Market orders are a self-exciting process (Hawkes 1971): each one raises the rate of others for
 * a while, more on its own side, and triggers limit orders at the best prices; what it adds to the rates decays exponentially. Times
 * are drawn by thinning (Lewis and Shedler 1979): rates only fall between arrivals, so a candidate's time is drawn with the current
 * rates and accepted with the share of them that is left at that time.
 */
export class OrderArrivals {
  /** Incidents multiply the ordinary rates by these; 1 by default. Call `plan` after a change. */
  readonly multipliers = { takeBuy: 1, takeSell: 1, orders: 1 };
  readonly #flow: FlowParameters;
  readonly #path: PriceSegment;
  readonly #random: RandomStream;
  /** Decay of an arrival's effect on the rates per millisecond. */
  readonly #decay: number;
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
    this.#decay = 1 - 1 / flow.takeMemoryMs;
    // The average excitation left by the flow before the border.
    const followed = flow.takeSelf + flow.takeCross;
    this.#excitedBuy = (flow.takeRate * followed) / (1 - followed);
    this.#excitedSell = this.#excitedBuy;
    this.#excitedOrders = (2 * flow.refill * flow.takeRate) / (1 - followed);
  }

  /** The same arrivals to come, of a copy of the stream. */
  copy(random: RandomStream): OrderArrivals {
    const copy = new OrderArrivals(this.#flow, this.#path, random);
    Object.assign(copy.multipliers, this.multipliers);
    copy.#excitedBuy = this.#excitedBuy;
    copy.#excitedSell = this.#excitedSell;
    copy.#excitedOrders = this.#excitedOrders;
    copy.#ratedMs = this.#ratedMs;
    copy.#nextMs = this.#nextMs;
    copy.#isCandidate = this.#isCandidate;
    copy.#bound = this.#bound;
    return copy;
  }

  /** Millisecond of the segment at which to call `next`. */
  get nextMs(): number {
    return this.#nextMs;
  }

  /** The arrival at this millisecond, if any. Call `plan` afterwards. */
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

  /** Raises the rates after a market order. */
  excite(side: "buy" | "sell"): void {
    const { takeMemoryMs, takeSelf, takeCross, refill } = this.#flow;
    const perSecond = 1_000 / takeMemoryMs;
    this.#excitedBuy += (side === "buy" ? takeSelf : takeCross) * perSecond;
    this.#excitedSell += (side === "sell" ? takeSelf : takeCross) * perSecond;
    this.#excitedOrders += refill * perSecond;
  }

  /** Draws the time of the next candidate, at most until activity changes: waiting times are memoryless. */
  plan(nowMs: number): void {
    const { buys, sells, best, behind } = this.#ratesAt(nowMs);
    this.#bound = buys + sells + 2 * (best + behind);
    const candidateMs = nowMs + Math.ceil(this.#random.exponential(1_000 / this.#bound));
    const changeMs = nextChangeMs(nowMs);
    this.#isCandidate = candidateMs < changeMs;
    this.#nextMs = Math.min(candidateMs, changeMs);
  }

  /** Rates per second; those of limit orders are per side. */
  #ratesAt(nowMs: number): Readonly<Record<"buys" | "sells" | "best" | "behind", number>> {
    for (; this.#ratedMs < nowMs; this.#ratedMs++) {
      this.#excitedBuy *= this.#decay;
      this.#excitedSell *= this.#decay;
      this.#excitedOrders *= this.#decay;
    }
    const activity = this.#path.activityAt(nowMs);
    const calm = 0.7 + 0.3 * activity;
    const rates = this.#rates;
    rates.buys = this.#flow.takeRate * activity * this.multipliers.takeBuy + this.#excitedBuy;
    rates.sells = this.#flow.takeRate * activity * this.multipliers.takeSell + this.#excitedSell;
    rates.best = (this.#flow.bestRate * calm + this.#excitedOrders) * this.multipliers.orders;
    rates.behind = this.#flow.deepRate * calm * this.multipliers.orders;
    return rates;
  }
}

/** Largest order as a multiple of the median: beyond it one order would exceed the whole book. */
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
