import type { Frame, LiquidityGap } from "@tapedeck/protocol";
import { expect, test } from "vitest";
import { FrameLog } from "../../playback/frame-log";
import { gapsByPrice } from "./gaps-by-price";

function frame(seq: number, ...gaps: readonly [side: LiquidityGap["side"], price: number][]): Frame {
  return {
    type: "snapshot",
    seq,
    timestamp: new Date(seq * 100).toISOString(),
    symbol: "X",
    bids: [],
    asks: [],
    mid_price: 100,
    microprice: 100,
    best_bid: null,
    best_ask: null,
    spread: null,
    q_bid: 0,
    q_ask: 0,
    updates: 1,
    trades: [],
    trade_classified: false,
    anomalies: [],
    liquidity_gaps: gaps.map(([side, price]) => ({ side, price, volume: 0.1, level: 2, risk_score: 40 })),
  };
}

function logOf(...frames: readonly Frame[]): FrameLog {
  const log = new FrameLog();
  for (const one of frames) log.append(one, 1);
  return log;
}

test("[DB80] gaps are listed from the highest price down, first those of the shown frame, with how often each occurred", () => {
  const log = logOf(frame(0, ["ask", 102]), frame(1, ["ask", 102], ["bid", 98]), frame(2, ["bid", 98], ["bid", 97]));
  expect(gapsByPrice(log, 2)).toMatchObject({
    frames: 3,
    prices: [
      { price: 98, side: "bid", count: 2, now: { level: 2 } },
      { price: 97, side: "bid", count: 1, now: { risk_score: 40 } },
      { price: 102, side: "ask", count: 2, now: undefined },
    ],
  });
  // At a past frame: the gaps up to then.
  expect(gapsByPrice(log, 1).prices.map(({ price, now }) => [price, now !== undefined])).toEqual([
    [102, true],
    [98, true],
  ]);
});

test("[DB80] a long list keeps all gaps of the shown frame and the most frequent others", () => {
  const many = Array.from({ length: 90 }, (_, nth): ["ask", number] => ["ask", 200 + nth]);
  const log = logOf(frame(0, ...many), frame(1, ...many.slice(0, 70)), frame(2, ["bid", 50]));
  const { prices } = gapsByPrice(log, 2);
  expect(prices.length).toBe(60);
  expect(prices[0]).toMatchObject({ price: 50, count: 1 });
  expect(prices.slice(1).every(({ count }) => count === 2)).toBe(true);
});
