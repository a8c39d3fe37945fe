import type { Instrument } from "../instrument.js";
import { baselineOf } from "../instrument.js";
import { segmentMs } from "../segments.js";
import { type OwnOrder, orderMs } from "./own-orders.js";

/** Segments after its own in which an order has an impact. */
export const impactSegments = 5;
const longestMs = impactSegments * segmentMs;
/** Time after which an order's impact has fallen to 0.7; it then decays ever more slowly. */
const memoryMs = 1_000;
/** Largest total impact, as a share of the price. */
const mostOfPrice = 0.1;

const lastShare = shareAfter(longestMs);

interface OrderImpact {
  readonly atMs: number;
  /** Initial impact in ticks; 0 until the order is filled. */
  ticks: number;
  /** Of settled orders: filled together at this time, below 0 sold. */
  filled: number;
}

/**
 * The impact of a user's own orders on the fair price. An order of size Q moves it by sigma * sqrt(Q / V), where sigma is the price's
 * own volatility over some time and V the volume traded in that time (the square-root law; Almgren, Thum, Hauptmann and Li, "Direct
 * estimation of equity market impact", 2005). It decays as a power of time (Bouchaud, Gefen, Potters and Wyart, "Fluctuations and
 * response in financial markets", 2004), truncated after five minutes, so that a segment depends on the orders of a few segments only.
 */
export class OwnImpact {
  readonly #ticksPerRoot: number;
  readonly #most: number;
  /** Of orders, and of the times of settled ones. */
  readonly #impactOf = new Map<OwnOrder | number, OrderImpact>();
  /** The same in the order in which they came. */
  readonly #impacts: OrderImpact[] = [];

  constructor(orders: readonly OwnOrder[], instrument: Instrument) {
    const { moveTicks, tradedPerSecond } = baselineOf(instrument);
    this.#ticksPerRoot = moveTicks / Math.sqrt(tradedPerSecond);
    this.#most = mostOfPrice * instrument.startPrice * Number(`1e${instrument.priceDecimals}`);
    for (const order of orders) {
      if (order.settled) this.#settle(order);
      else this.#add(order, orderMs(order));
      if (order.filled !== undefined && !order.settled) this.recordFill(order, order.filled);
    }
  }

  /** Settled orders that the market sees at the same time are one to it: an order in ten parts moves it as a whole one does. */
  #settle(order: OwnOrder): void {
    const atMs = orderMs(order);
    const impact = this.#impactOf.get(atMs) ?? this.#add(atMs, atMs);
    impact.filled += order.side === "BUY" ? order.quantity : -order.quantity;
    impact.ticks = Math.sign(impact.filled) * this.#ticksPerRoot * Math.sqrt(Math.abs(impact.filled));
  }

  #add(key: OwnOrder | number, atMs: number): OrderImpact {
    const impact = { atMs, ticks: 0, filled: 0 };
    this.#impactOf.set(key, impact);
    this.#impacts.push(impact);
    return impact;
  }

  /** Sets the filled quantity of an order. */
  recordFill(order: OwnOrder, filled: number): void {
    const impact = this.#impactOf.get(order);
    if (impact !== undefined) impact.ticks = (order.side === "BUY" ? 1 : -1) * this.#ticksPerRoot * Math.sqrt(filled);
  }

  // HOT: a hundred times per second of market time, with hundreds of orders.
  /** Ticks that orders executed up to `untilMs` add to the fair price at `ms`; both in milliseconds of tape time. */
  at(ms: number, untilMs = ms): number {
    let sum = 0;
    for (const { atMs, ticks } of this.#impacts) {
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
