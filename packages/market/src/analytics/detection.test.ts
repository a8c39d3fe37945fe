import { describe, expect, test } from "vitest";
import { FrameBuilder } from "../frame/frame-builder.js";
import { SimulatedMarket, simulatedStartNs } from "../simulator/simulated-market.js";
import { MarketAnalytics } from "./market-analytics.js";

interface Alert {
  readonly ns: number;
  readonly type: string;
  readonly severity: string;
  readonly [field: string]: unknown;
}

function play(seed: number, scenario: string, minutes: number) {
  const market = new SimulatedMarket({ symbol: "BTCUSDT", seed, scenario });
  const alerts: Alert[] = [];
  const builder = new FrameBuilder({
    symbol: "BTCUSDT",
    originNs: simulatedStartNs,
    decimals: 3,
    intervalNs: 100e6,
    analytics: new MarketAnalytics(),
    emit: ({ ns, anomalies }) => {
      for (const alert of JSON.parse(`[${anomalies}]`)) alerts.push({ ns, ...alert });
    },
  });
  builder.apply(market.opening(0));
  for (let segment = 0; segment < minutes; segment++) for (const event of market.events(segment)) builder.apply(event);
  builder.end();
  return { alerts, labels: market.labels(0, minutes * 60e9) };
}

/** Fields that pages read, by type. */
const keys: Record<string, readonly string[]> = {
  SPOOFING: ["side", "volume_ratio", "price_level"],
  LAYERING: ["side", "score", "large_order_count"],
  QUOTE_STUFFING: ["update_rate", "avg_rate"],
  MOMENTUM_IGNITION: ["price_change_pct", "volume", "direction"],
  WASH_TRADING: ["avg_volume", "volume_variance", "pattern_count"],
  ICEBERG_ORDER: ["price", "side", "fill_count", "total_volume", "avg_fill_size"],
  LIQUIDITY_GAP: ["gap_count", "affected_levels", "total_gap_volume"],
  REGIME_CRISIS: [],
};

describe("[AN12] staged incidents are detected while they last", () => {
  test.each([
    ["spoofing", "SPOOFING", 5],
    ["layering", "LAYERING", 5],
    ["quote_stuffing", "QUOTE_STUFFING", 5],
    ["momentum_ignition", "MOMENTUM_IGNITION", 5],
    ["wash_trading", "WASH_TRADING", 5],
    ["iceberg", "ICEBERG_ORDER", 5],
    ["liquidity_gap", "LIQUIDITY_GAP", 5],
    ["flash_crash", "REGIME_CRISIS", 5],
  ])("%s, as %s, at least %i of 5", (kind, type, least) => {
    const { alerts, labels } = play(1, `${kind}:high`, 10);
    const firsts = labels.map(({ fromNs, toNs }) =>
      alerts.find((alert) => alert.type === type && alert.ns >= fromNs && alert.ns <= toNs + 10e9),
    );
    const found = firsts.filter((alert) => alert !== undefined);
    expect(labels.length).toBe(5);
    expect(found.length).toBeGreaterThanOrEqual(least);
    for (const alert of found) expect(alert).toEqual(expect.objectContaining(anyOf(keys[type] ?? [])));
  });
});

function anyOf(names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(names.map((name) => [name, expect.anything()]));
}

test("[AN13] benign incidents don't raise quote stuffing, wash trading or layering", () => {
  const { alerts } = play(2, "honest", 12);
  const types = new Set(alerts.map(({ type }) => type));
  for (const type of ["QUOTE_STUFFING", "WASH_TRADING", "LAYERING"]) expect(types).not.toContain(type);
});
