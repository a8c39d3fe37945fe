import { type Frame, frame as frameSchema } from "@tapedeck/protocol";
import { describe, expect, test } from "vitest";
import {
  alertHistoryOf,
  alertStatsOf,
  anomaliesOfKind,
  classificationOf,
  spreadsOf,
  tradeAnomaliesOf,
  vpinOf,
} from "./frame-analytics.js";

const at = (second: number) => new Date(Date.UTC(2024, 7, 8) + second * 1000).toISOString();
const levels = (best: number, step: number) => Array.from({ length: 10 }, (_, n) => [best + n * step, 1]);

function frame(second: number, more: object = {}): Frame {
  return frameSchema.parse({
    type: "snapshot",
    seq: second,
    timestamp: at(second),
    symbol: "X",
    bids: levels(99, -1),
    asks: levels(101, 1),
    mid_price: 100,
    microprice: 100,
    best_bid: 99,
    best_ask: 101,
    spread: 2,
    q_bid: 1,
    q_ask: 1,
    divergence: 0,
    updates: 1,
    trades: [],
    trade_classified: false,
    anomalies: [],
    realized_spread: null,
    realized_spread_of: null,
    ...more,
  });
}

const traded = (second: number) =>
  frame(second, {
    trades: [{ timestamp: at(second), price: 101, size: 1, side: "buy" }],
    trade_classified: true,
    trade_volume: 1,
    last_trade_price: 101,
    trade_side: "buy",
    effective_spread: 2,
  });

describe("[A70] trades", () => {
  const trade = { timestamp: at(0), size: 1 };

  test("are compared with the mid just before each, not with their frame's mid", () => {
    const trades = [
      { ...trade, price: 99, side: "sell", mid_price: 99.3 },
      { ...trade, price: 100, side: "unknown", mid_price: 100 },
      { ...trade, price: 101, side: "buy", mid_price: 100.9 },
    ];
    const { trades: classified } = classificationOf([frame(0, { trades, mid_price: 105, effective_spread: 0.2 })]);
    expect(classified.map(({ mid_price, effective_spread }) => [mid_price, effective_spread])).toEqual([
      [99.3, 0.6],
      [100, null],
      [100.9, 0.2],
    ]);
  });

  test("of a tape without such mids: computed for a frame's last trade, null for the others", () => {
    const trades = [
      { ...trade, price: 99, side: "sell" },
      { ...trade, price: 101, side: "buy" },
    ];
    const known = classificationOf([frame(0, { trades, mid_price: 105, effective_spread: 0.2 })]);
    expect(known.trades).toMatchObject([
      { side: "sell", mid_price: null, effective_spread: null },
      { side: "buy", mid_price: 100.9, effective_spread: 0.2 },
    ]);
    const unknown = [{ ...trade, price: 99, side: "unknown" }];
    expect(classificationOf([frame(0, { trades: unknown, effective_spread: null })]).trades).toMatchObject([
      { mid_price: null, effective_spread: null },
    ]);
  });
});

describe("[A57] spreads", () => {
  test("have the realized spread that is known 5 s later", () => {
    const frames = [traded(0), traded(3), frame(5, { realized_spread: -0.5, realized_spread_of: [at(0)] })];
    expect(spreadsOf(frames)).toEqual({
      spreads: [
        { timestamp: at(0), effective_spread: 2, realized_spread: -0.5, trade_side: "buy", mid_price: 100 },
        { timestamp: at(3), effective_spread: 2, realized_spread: null, trade_side: "buy", mid_price: 100 },
      ],
      count: 2,
      statistics: {
        effective_spread: { mean: 2, std: 0, min: 2, max: 2 },
        realized_spread: { mean: -0.5, std: 0, min: -0.5, max: -0.5 },
      },
    });
  });

  test("without trades have zero statistics", () => {
    const zeros = { mean: 0, std: 0, min: 0, max: 0 };
    expect(spreadsOf([])).toEqual({
      spreads: [],
      count: 0,
      statistics: { effective_spread: zeros, realized_spread: zeros },
    });
  });
});

test("[A57] vpin is listed for each frame that has it", () => {
  const report = vpinOf([frame(0), frame(1, { vpin: 0.2, obi: 0.5 }), frame(2, { vpin: 0.4, obi: -0.5 })]);
  expect(report).toMatchObject({
    count: 2,
    vpin_history: [
      { timestamp: at(1), vpin: 0.2, obi: 0.5, mid_price: 100 },
      { timestamp: at(2), vpin: 0.4 },
    ],
    statistics: { mean: 0.3, std: 0.1, min: 0.2, max: 0.4, current: 0.4 },
  });
  expect(vpinOf([]).statistics).toEqual({ mean: 0, std: 0, min: 0, max: 0, current: 0 });
});

describe("[A57] alerts", () => {
  const gap = { type: "LIQUIDITY_GAP", severity: "high", message: "g", gap_count: 4, affected_levels: [2, 3] };
  const size = { type: "UNUSUAL_TRADE_SIZE", severity: "low", message: "s", size: 9, levels: [1], side: "x" };
  const frames = [frame(0, { anomalies: [gap, size] }), frame(8, { anomalies: [{ ...gap, timestamp: at(7) }] })];

  test("of a kind have their fields, a time and the mid price", () => {
    expect(anomaliesOfKind(frames, "liquidity_gaps")).toEqual([
      { ...gap, timestamp: at(0), mid_price: 100 },
      { ...gap, timestamp: at(7), mid_price: 100 },
    ]);
    expect(anomaliesOfKind(frames, "spoofing")).toEqual([]);
  });

  test("of trades have flat details", () => {
    expect(tradeAnomaliesOf(frames)).toEqual({
      anomalies: [
        {
          timestamp: at(0),
          type: "UNUSUAL_TRADE_SIZE",
          severity: "low",
          message: "s",
          details: { size: 9, side: "x" },
        },
      ],
      count: 1,
    });
  });

  test("are listed up to the limit, newest last, and counted", () => {
    expect(alertHistoryOf(frames, 2).map(({ type }) => type)).toEqual(["UNUSUAL_TRADE_SIZE", "LIQUIDITY_GAP"]);
    expect(alertHistoryOf(frames, 0)).toEqual([]);
    expect(alertStatsOf(frames)).toEqual({
      total_alerts_logged: 3,
      alert_counts_by_type: { LIQUIDITY_GAP: 2, UNUSUAL_TRADE_SIZE: 1 },
      active_deduplications: 1,
    });
  });
});
