import type { BookLevel, BookSideName } from "../../book/order-book.js";
import type { MarketTrade } from "../../frame/frame-analytics.js";

/**
 * The size at a price of a side whose best levels are given; undefined if the price is beyond them. `inward`: +1 for bids, -1 for
 * asks.
 */
export function sizeAt(levels: readonly BookLevel[], price: number, inward: 1 | -1): number | undefined {
  for (const level of levels) {
    if (level[0] === price) return level[1];
    if (inward * (level[0] - price) < 0) return 0;
  }
  return levels.length < 20 ? 0 : undefined;
}

export const sides = [
  { name: "bid", label: "BID", inward: 1, taker: "sell" },
  { name: "ask", label: "ASK", inward: -1, taker: "buy" },
] as const;
export type Side = (typeof sides)[number];

export function levelsOf(book: { bids: readonly BookLevel[]; asks: readonly BookLevel[] }, side: BookSideName) {
  return side === "bid" ? book.bids : book.asks;
}

/** Units of a side at a price that trades took. */
export function takenAt(trades: readonly MarketTrade[], price: number, { inward, taker }: Side): number {
  let taken = 0;
  // A trade at a worse price has also taken the levels before it.
  for (const trade of trades) {
    if (trade.side === taker && inward * (price - trade.price) >= 0) taken += trade.size;
  }
  return taken;
}
