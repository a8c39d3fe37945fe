import type { BookLevel, OrderBook } from "../book/order-book.js";
import { type PriceGrid, rounded } from "./decimals.js";

/** Most and fewest levels of a side in a frame; a thin side is padded with size 0. */
export const maxLevels = 20;
const minLevels = 10;

export interface FrameLevels {
  readonly bids: readonly BookLevel[];
  readonly asks: readonly BookLevel[];
}

/** The levels that a frame shows: the best 20 of each side. */
export function topLevels(book: OrderBook): FrameLevels {
  return { bids: book.bids.top(maxLevels), asks: book.asks.top(maxLevels) };
}

// HOT: once per interval of an import.
export function sameLevels(a: readonly BookLevel[], b: readonly BookLevel[]): boolean {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at++) {
    if (a[at]?.[0] !== b[at]?.[0] || a[at]?.[1] !== b[at]?.[1]) return false;
  }
  return true;
}

/**
 * Pads a thin book to ten levels a side with `[price, 0]`, stepping outward by one tick. An empty side starts one tick from the
 * other; if both are empty they start one tick from the last known mid.
 */
export function padLevels(levels: FrameLevels, grid: PriceGrid, mid: number): FrameLevels {
  const { bids, asks } = levels;
  if (bids.length >= minLevels && asks.length >= minLevels) return levels;
  const [lastBid, lastAsk] = [bids.at(-1)?.[0] ?? asks[0]?.[0], asks.at(-1)?.[0] ?? bids[0]?.[0]];
  const { tick, decimals } = grid.stepsFrom(mid, Math.max(...[mid, lastBid ?? 0, lastAsk ?? 0].map(Math.abs)));
  const nextBid = lastBid ?? Math.ceil(rounded(mid / tick, 6)) * tick;
  const nextAsk = lastAsk ?? Math.floor(rounded(mid / tick, 6)) * tick;
  return {
    bids: outward(bids, nextBid, -tick, decimals),
    asks: outward(asks, nextAsk, tick, decimals),
  };
}

function outward(levels: readonly BookLevel[], from: number, step: number, decimals: number): BookLevel[] {
  const filled = [...levels];
  // In whole steps, since a price may have more decimals than the steps from it: halfway between two, noise would round both to one price.
  const start = Math.round(from / step);
  for (let n = 1; filled.length < minLevels; n++) filled.push([rounded((start + n) * step, decimals), 0]);
  return filled;
}
