import type { BookSideName } from "@tapedeck/market";
import type { OwnOrders } from "../orders/own-orders.js";
import type { WorkingOrder } from "../orders/working-order.js";
import type { QueueChange } from "../queue/order-queue.js";
import { lotsReached, type QueueModel } from "../queue/queue-place.js";
import { otherSide, type TapeTrade } from "../tape-events.js";
import { isBeyond, type TapeBook } from "./tape-book.js";

/** What of a resting order trades, at its own price. */
export interface MakerFill {
  readonly order: WorkingOrder;
  readonly amount: number;
}

/** The instrument's numbers as hftbacktest's queue models take them. */
export interface LotSize {
  /** Units. */
  readonly lot: number;
  /** The same as a decimal number. */
  readonly size: number;
  /** Units per 1. */
  readonly perUnit: number;
}

/**
 * Fills by a trade of the market. Orders at better prices would have met its taker first; those at its price trade with what got past the
 * queue. With partial fills the trade's amount is shared, in order of price and time.
 */
export function tradeFills(
  own: OwnOrders,
  model: QueueModel,
  { side, priceUnits, amountUnits }: TapeTrade,
  { lot, size, perUnit }: LotSize,
  whole: boolean,
): MakerFill[] {
  if (side === "unknown") return []; // which orders it met is not known
  const fills: MakerFill[] = [];
  let left = amountUnits;
  for (const order of reached(own, otherSide(side), priceUnits)) {
    if (left === 0) break;
    const { place } = order;
    if (place === undefined) continue;
    let amount = order.open;
    if (order.price === priceUnits) {
      model.trade(place, left / perUnit);
      amount = lotsReached(place, size) * lot;
    } else place.front = 0;
    if (amount === 0) continue;
    if (whole) fills.push({ order, amount: order.open });
    else {
      const traded = Math.min(amount, order.open, left);
      left -= traded;
      fills.push({ order, amount: traded });
    }
  }
  return fills;
}

/** Fills by an execution of a resting order of the tape, where its orders are known: those ahead of it trade first. */
export function executionFills(own: OwnOrders, change: QueueChange, whole: boolean): MakerFill[] {
  const { side, price, entered, left, executed } = change;
  const fills: MakerFill[] = [];
  let traded = executed;
  for (const order of reached(own, side, price)) {
    const { place } = order;
    if (place === undefined) continue;
    if (order.price === price && entered < order.entered) {
      place.front = Math.max(0, place.front - left);
    } else if (traded > 0) {
      place.front = 0;
      const amount = whole ? order.open : Math.min(order.open, traded);
      if (!whole) traded -= amount;
      fills.push({ order, amount });
    }
  }
  return fills;
}

/** Orders that a taker meets who trades down or up to a price: best price first, then in order of time. */
function reached(own: OwnOrders, side: BookSideName, price: number): WorkingOrder[] {
  const met: WorkingOrder[] = [];
  for (const at of own.prices(side)) {
    if (isBeyond(side, at, price)) break;
    met.push(...(own.at(side, at) ?? []));
  }
  return met;
}

/**
 * Fills of orders of a side that the other side's levels have reached: what offers to trade at an order's price trades with it, and is
 * taken from its level. With whole fills an order trades completely once the best price has moved to it.
 */
export function crossingFills(
  own: OwnOrders,
  book: TapeBook,
  side: BookSideName,
  whole: boolean,
  bestBefore: number | undefined,
): MakerFill[] {
  const from = side === "bid" ? "ask" : "bid";
  const best = book.best(from);
  const ours = own.best(side);
  if (best === undefined || ours === undefined || isBeyond(from, best, ours)) return [];
  if (whole) {
    if (bestBefore !== undefined && !isBeyond(from, bestBefore, best)) return [];
    return reached(own, side, best).map((order) => ({ order, amount: order.open }));
  }
  const fills: MakerFill[] = [];
  for (const order of reached(own, side, best)) {
    let amount = 0;
    for (const [price, available] of [...book.available(from, order.price)]) {
      const taken = Math.min(available, order.open - amount);
      book.take(from, price, taken);
      amount += taken;
      if (amount === order.open) break;
    }
    if (amount > 0) fills.push({ order, amount });
  }
  return fills;
}
