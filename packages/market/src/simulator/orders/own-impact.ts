import type { Instrument } from "../instrument.js";
import { baselineOf } from "../instrument.js";
import { segmentMs } from "../segments.js";
import { type OwnOrder, orderMs } from "./own-orders.js";

/** Segments after its own in which an order is felt. */
export const impactSegments = 5;
const longestMs = impactSegments * segmentMs;
/** After so long an order's impact has fallen to seven tenths, and then ever more slowly. */
const memoryMs = 1_000;
/** All orders together move the price by no more than this share of it. */
const mostOfPrice = 0.1;

const lastShare = shareAfter(longestMs);

interface OrderImpact {
  readonly atMs: number;
  /** Ticks that it moved the price by, at first. Unknown until it is filled. */
  ticks: number | undefined;
}

/**
 * What a user's own orders do to the fair price. An order of size Q moves it by sigma * sqrt(Q / V), where sigma is how far the price
 * moves by itself in some time and V what is traded in that time (the square-root law; Almgren, Thum, Hauptmann and Li, "Direct
 * estimation of equity market impact", 2005). It decays as a power of time (Bouchaud, Gefen, Potters and Wyart, "Fluctuations and
 * response in financial markets", 2004), made to end after five minutes, so that any segment follows from the orders of a few.
 */
export class OwnImpact {
  readonly #ticksPerRoot: number;
  readonly #most: number;
  readonly #felt = new Map<OwnOrder, OrderImpact>();

  constructor(orders: readonly OwnOrder[], instrument: Instrument) {
    const { moveTicks, tradedPerSecond } = baselineOf(instrument);
    this.#ticksPerRoot = moveTicks / Math.sqrt(tradedPerSecond);
    this.#most = mostOfPrice * instrument.startPrice * Number(`1e${instrument.priceDecimals}`);
    for (const order of orders) {
      this.#felt.set(order, { atMs: orderMs(order), ticks: undefined });
      if (order.filled !== undefined) this.recordFill(order, order.filled);
    }
  }

  /** An order was filled with so many units. */
  recordFill(order: OwnOrder, filled: number): void {
    const felt = this.#felt.get(order);
    if (felt !== undefined) felt.ticks = (order.side === "BUY" ? 1 : -1) * this.#ticksPerRoot * Math.sqrt(filled);
  }

  /** Ticks that orders given up to `untilMs` add to the fair price at `ms`; both are milliseconds of tape time. */
  at(ms: number, untilMs = ms): number {
    let sum = 0;
    for (const { atMs, ticks = 0 } of this.#felt.values()) {
      if (atMs <= untilMs && ms - atMs < longestMs) {
        sum += (ticks * (shareAfter(ms - atMs) - lastShare)) / (1 - lastShare);
      }
    }
    return Math.max(-this.#most, Math.min(this.#most, sum));
  }
}

function shareAfter(ms: number): number {
  return 1 / Math.sqrt(1 + ms / memoryMs);
}
