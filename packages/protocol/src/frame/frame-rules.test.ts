import { describe, expect, test } from "vitest";
import { checkFrame, checkFrameText, checkNext } from "./frame-rules.js";

const levels = (from: number, step: number, count = 10) =>
  Array.from({ length: count }, (_, n) => [Number((from + n * step).toFixed(2)), 1]);

const good = {
  type: "snapshot",
  seq: 7,
  timestamp: "2024-08-08T23:54:15.408Z",
  symbol: "BTCUSDT",
  bids: levels(99.5, -0.5),
  asks: levels(100, 0.5),
  mid_price: 99.75,
  microprice: 99.75,
  best_bid: 99.5,
  best_ask: 100,
  spread: 0.5,
  q_bid: 1,
  q_ask: 1,
  divergence: 0,
  updates: 3,
  trade_classified: false,
  trades: [],
  anomalies: [],
};

const trade = { timestamp: "2024-08-08T23:54:15.400Z", price: 100, size: 0.5, side: "buy" };
const traded = {
  ...good,
  trades: [{ ...trade, size: 0.25 }, trade],
  trade_classified: true,
  trade_volume: 0.75,
  last_trade_price: 100,
  trade_side: "buy",
  effective_spread: 0.5,
};

const withMid = {
  ...traded,
  trades: [
    { ...trade, size: 0.25 },
    { ...trade, mid_price: 99.75 },
  ],
};

const oneSided = {
  ...good,
  asks: good.asks.map(([price]) => [price, 0]),
  best_ask: null,
  spread: null,
  q_ask: 0,
};

const live = {
  exchange_ts: "2024-08-08T23:54:15.408Z",
  ingest_ts: "2024-08-08T23:54:15.450Z",
  source: "BINANCE",
};

const analysed = {
  ...traded,
  obi: 0.1234,
  ofi: -1,
  directional_prob: 55.5,
  vpin: 0.4,
  regime: 2,
  regime_label: "Execution Hot",
  gap_count: 1,
  gap_severity_score: 12.5,
  liquidity_gaps: [{ price: 99, volume: 0.1, side: "bid", level: 2, risk_score: 80 }],
  spoofing_risk: 10,
  volume_volatility: 0.3,
  realized_spread: null,
  realized_spread_of: null,
  gap_before_ms: 7000.5,
  skipped: 3,
  anomalies: [
    {
      type: "LIQUIDITY_GAP",
      severity: "high",
      message: "m",
      gap_count: 1,
      affected_levels: [2],
      total_gap_volume: 0.1,
    },
    {
      type: "SPOOFING",
      severity: "low",
      message: "m",
      side: "BID",
      volume_ratio: 3,
      price_level: 99,
      details: { a: 1 },
    },
    { type: "MOMENTUM_IGNITION", severity: "critical", message: "m", direction: "UP", timestamp: good.timestamp },
  ],
};

test("[FR14] a valid frame has no problems", () => {
  const all = [good, traded, withMid, oneSided, analysed, { ...analysed, ...live }];
  for (const frame of all) expect(checkFrame(frame)).toEqual([]);
  expect(checkFrameText(JSON.stringify(analysed))).toEqual([]);
});

describe("[FR14] a broken rule is reported:", () => {
  const broken: [what: string, frame: unknown, complaint: RegExp][] = [
    ["an array instead of an object", [], /object/],
    ["a missing field", { ...good, q_bid: undefined }, /missing: q_bid/],
    ["a wrong type", { ...good, type: "frame" }, /type/],
    ["null in a field that cannot be null", { ...good, mid_price: null }, /mid_price is null/],
    ["null in an unknown field", { ...good, feature: null }, /feature is null/],
    ["float noise", { ...good, feature: 0.1 + 0.2 }, /float noise/],
    ["an infinite number", { ...good, feature: Number.POSITIVE_INFINITY }, /Infinity/],
    ["a time without decimals", { ...good, timestamp: "2024-08-08T23:54:15Z" }, /3, 6 or 9/],
    ["a time with an offset", { ...good, timestamp: "2024-08-08T23:54:15.000+02:00" }, /timestamp/],
    ["nine levels", { ...good, bids: good.bids.slice(1) }, /bids/],
    ["twenty-one levels", { ...good, asks: levels(100, 0.5, 21) }, /asks/],
    ["a repeated level", { ...good, bids: [good.bids[0], ...good.bids.slice(0, 9)] }, /bids\[1\]/],
    ["asks in falling order", { ...good, asks: [...good.asks].reverse() }, /asks\[1\]/],
    ["a level after padding", { ...good, bids: good.bids.map(([p], n) => [p, n === 4 ? 0 : 1]) }, /after padding/],
    [
      "padding beyond ten levels",
      { ...good, bids: levels(99.5, -0.5, 11).map(([p], n) => [p, n > 9 ? 0 : 1]) },
      /beyond ten/,
    ],
    ["a crossed book", { ...good, bids: levels(100, -0.5), best_bid: 100 }, /not below/],
    ["a wrong best bid", { ...good, best_bid: 99 }, /best_bid/],
    ["a padded level as best price", { ...oneSided, best_ask: 100, spread: 0.5 }, /best_ask/],
    ["a wrong size", { ...good, q_ask: 2 }, /q_ask/],
    ["a spread with an empty side", { ...oneSided, spread: 0.5 }, /spread/],
    ["a wrong spread", { ...good, spread: 0.4 }, /spread/],
    ["a mid that is not midway", { ...good, mid_price: 99.8, divergence: -0.05 }, /mid_price/],
    ["a microprice outside the spread", { ...good, microprice: 101, divergence: 1.25 }, /microprice/],
    [
      "a microprice of a one-sided book that is not the last mid",
      { ...oneSided, microprice: 99.5, divergence: -0.25 },
      /microprice/,
    ],
    ["a wrong divergence", { ...good, divergence: 0.1 }, /divergence/],
    ["trades without trade_classified", { ...traded, trade_classified: false }, /trade_classified/],
    ["trade fields without trades", { ...good, trade_volume: 1 }, /trade_volume without/],
    ["trades without their fields", { ...traded, trade_side: undefined }, /trade_side is missing/],
    ["a wrong volume", { ...traded, trade_volume: 0.7 }, /trade_volume/],
    ["a wrong last price", { ...traded, last_trade_price: 99 }, /last_trade_price/],
    ["a wrong last side", { ...traded, trade_side: "sell" }, /trade_side/],
    ["a trade of size 0", { ...traded, trades: [{ ...trade, size: 0 }] }, /size/],
    ["too many trades", { ...traded, trades: Array(1001).fill(trade), trade_volume: 500.5 }, /1001 trades/],
    [
      "a spread although the side is unknown",
      { ...traded, trades: [{ ...trade, size: 0.75, side: "unknown" }], trade_side: "unknown" },
      /side is not/,
    ],
    [
      "a spread that does not match the mid",
      { ...withMid, effective_spread: 0.4 },
      /effective_spread is 0.4 but .* paid 0.5/,
    ],
    [
      "a missing spread although the mid is known",
      { ...withMid, effective_spread: null },
      /effective_spread is null but .* paid 0.5/,
    ],
    ["a mid that is null", { ...withMid, trades: [{ ...trade, size: 0.75, mid_price: null }] }, /mid_price is null/],
    ["obi beyond 1", { ...analysed, obi: 1.1 }, /obi/],
    ["obi with five decimals", { ...analysed, obi: 0.12345 }, /obi/],
    ["some of the analytics fields", { ...good, obi: 0.5 }, /analytics fields without ofi/],
    ["a live frame without its source", { ...good, ...live, source: undefined }, /exchange_ts, ingest_ts, source/],
    ["a live frame with an invalid ingest time", { ...good, ...live, ingest_ts: "soon" }, /ingest_ts/],
    ["a realised spread without trade times", { ...analysed, realized_spread: 0.1 }, /realized_spread_of/],
    [
      "trade times without a realised spread",
      { ...analysed, realized_spread_of: [good.timestamp] },
      /realized_spread is null/,
    ],
    ["a regime that is not an integer", { ...analysed, regime: 1.5, regime_label: "Calm" }, /regime/],
    ["the label of another regime", { ...analysed, regime: 1, regime_label: "Calm" }, /regime_label/],
    [
      "a gap with its side in upper case",
      { ...analysed, liquidity_gaps: [{ price: 1, volume: 1, side: "BID", level: 1, risk_score: 1 }] },
      /side/,
    ],
    ["a severity in upper case", { ...good, anomalies: [{ type: "X", severity: "HIGH", message: "m" }] }, /severity/],
    [
      "a spoofing side in lower case",
      {
        ...good,
        anomalies: [{ type: "SPOOFING", severity: "low", message: "m", side: "bid", volume_ratio: 1, price_level: 1 }],
      },
      /side/,
    ],
    [
      "details that are not flat",
      { ...good, anomalies: [{ type: "X", severity: "low", message: "m", details: { a: [] } }] },
      /flat/,
    ],
  ];
  test.each(broken)("%s", (_, frame, complaint) => {
    expect(checkFrame(frame).join("; ")).toMatch(complaint);
  });

  test("a character that is not ASCII", () => {
    expect(checkFrameText(JSON.stringify({ ...good, symbol: "é" }))).toEqual([
      "contains a character that is not ASCII",
    ]);
  });
});

test("[FR14] consecutive frames of a tape ascend in seq and do not go back in time", () => {
  const next = { ...good, seq: 8, timestamp: "2024-08-08T23:54:15.408Z" };
  expect(checkNext(good, next)).toEqual([]);
  expect(checkNext(good, { ...next, seq: 10, skipped: 2 })).toEqual([]);
  expect(checkNext(good, { ...next, seq: 9 })).toHaveLength(1);
  expect(checkNext(good, { ...next, timestamp: "2024-08-08T23:54:15.407Z" })).toHaveLength(1);
  expect(checkNext(good, { ...next, timestamp: "2024-08-08T23:54:15.408000Z", symbol: "ETHUSDT" })).toHaveLength(2);
});
