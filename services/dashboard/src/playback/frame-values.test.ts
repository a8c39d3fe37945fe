import type { Frame, Trade } from "@tapedeck/protocol";
import { expect, test } from "vitest";
import { effectiveSpreadOf } from "./frame-values";

function frame(trades: readonly Partial<Trade>[], effective_spread: number | null): Frame {
  const timestamp = "2023-11-14T22:13:20.000Z";
  return {
    type: "snapshot",
    seq: 1,
    timestamp,
    symbol: "X",
    bids: [],
    asks: [],
    mid_price: 500,
    microprice: 500,
    best_bid: null,
    best_ask: null,
    spread: null,
    q_bid: 0,
    q_ask: 0,
    updates: 1,
    trades: trades.map((trade) => ({ timestamp, price: 100, size: 1, side: "buy", ...trade })),
    trade_classified: true,
    effective_spread,
    anomalies: [],
  };
}

const spreadsOf = (shown: Frame) => shown.trades.map((_, nth) => effectiveSpreadOf(shown, nth));

test("[DB82] the effective spread of a trade is measured against its own mid price, for buys and sells", () => {
  const trades = [
    { side: "buy", price: 100.2, mid_price: 100.15 },
    { side: "sell", price: 100.1, mid_price: 100.15 },
    { side: "buy", price: 100.1, mid_price: 100.15 },
    { side: "unknown", price: 100.1, mid_price: 100.15 },
  ] as const;
  expect(spreadsOf(frame(trades, 7))).toEqual([0.1, 0.1, -0.1, undefined]);
});

test("[DB82] on a tape without such mid prices, only the last trade of a frame has one: the frame's", () => {
  expect(spreadsOf(frame([{}, {}], 0.3))).toEqual([undefined, 0.3]);
  expect(spreadsOf(frame([{}, { side: "unknown" }], null))).toEqual([undefined, undefined]);
});
