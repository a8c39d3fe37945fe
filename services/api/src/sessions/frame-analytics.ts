import {
  type AnomalyKind,
  type AnomalySummary,
  type alertHistory,
  type alertStats,
  type anomaliesAnswer,
  type anomaliesOfKindAnswer,
  anomalyKinds,
  type classifiedTrades,
  effectiveSpreadOf,
  type Frame,
  nsOfIso,
  type Statistics,
  type Trade,
  type tradeAnomalies,
  type tradeSpreads,
  type vpinHistory,
  vpinLevels,
} from "@tapedeck/protocol";
import type { z } from "zod";

// Reports on the frames of a session, oldest first. Nothing is detected here: the frames contain the anomalies.

/** Decimals of price differences; float noise is smaller. */
const decimals = 10;
const quietNs = 5_000_000_000n;
const tradeTypes: readonly string[] = ["UNUSUAL_TRADE_SIZE", "RAPID_TRADING"];

export function anomaliesOf(frames: readonly Frame[]): z.infer<typeof anomaliesAnswer> {
  return frames.flatMap(({ timestamp, anomalies }) => anomalies.map((anomaly) => ({ timestamp, ...anomaly })));
}

export function anomaliesOfKind(
  frames: readonly Frame[],
  kind: AnomalyKind,
): z.infer<ReturnType<typeof anomaliesOfKindAnswer>> {
  return frames.flatMap(({ timestamp, mid_price, anomalies }) =>
    anomalies
      .filter(({ type }) => type === anomalyKinds[kind])
      .map((anomaly) => ({ timestamp, mid_price, ...anomaly })),
  );
}

export function summaryOf(frames: readonly Frame[]): AnomalySummary {
  const types = anomaliesOf(frames).map(({ type }) => type);
  const count = (wanted: string) => types.filter((type) => type === wanted).length;
  return {
    quote_stuffing: count(anomalyKinds.quote_stuffing),
    layering: count(anomalyKinds.layering),
    momentum_ignition: count(anomalyKinds.momentum_ignition),
    wash_trading: count(anomalyKinds.wash_trading),
    iceberg_orders: count(anomalyKinds.iceberg_orders),
    spoofing: count(anomalyKinds.spoofing),
    liquidity_gaps: count(anomalyKinds.liquidity_gaps),
  };
}

/** Each trade with the mid price just before it. */
export function classificationOf(frames: readonly Frame[]): z.infer<typeof classifiedTrades> {
  const trades = frames.flatMap((frame) =>
    frame.trades.map((trade) => {
      const { timestamp, price, size, side } = trade;
      const mid = midBefore(trade, frame);
      return {
        timestamp,
        price,
        volume: size,
        side,
        mid_price: mid,
        effective_spread: mid === null ? null : tidySpread(trade, mid),
      };
    }),
  );
  return { trades, count: trades.length };
}

/**
 * The mid price just before a trade. On tapes whose trades lack it, the mid of a frame's last trade is computed from its effective
 * spread. The others are unknown, since the book may have moved after the previous frame.
 */
function midBefore(trade: Trade, { trades, effective_spread: spread }: Frame): number | null {
  if (trade.mid_price !== undefined) return trade.mid_price;
  if (trade !== trades.at(-1) || typeof spread !== "number" || trade.side === "unknown") return null;
  return tidy(trade.price - (trade.side === "buy" ? spread : -spread) / 2);
}

function tidySpread(trade: Trade, mid: number): number | null {
  const spread = effectiveSpreadOf(trade, mid);
  return spread === null ? null : tidy(spread);
}

/** One entry for each frame with trades: the effective and realized spread of its last trade. */
export function spreadsOf(frames: readonly Frame[]): z.infer<typeof tradeSpreads> {
  const realized = new Map<string, number>();
  for (const { realized_spread: spread, realized_spread_of: times } of frames) {
    if (typeof spread === "number") for (const time of times ?? []) realized.set(time, spread);
  }
  const spreads = frames.flatMap(({ timestamp, mid_price, effective_spread = null, trade_side, trades }) => {
    const last = trades.at(-1);
    if (last === undefined || trade_side === undefined) return [];
    return [
      { timestamp, effective_spread, realized_spread: realized.get(last.timestamp) ?? null, trade_side, mid_price },
    ];
  });
  return {
    spreads,
    count: spreads.length,
    statistics: {
      effective_spread: statisticsOf(spreads.map(({ effective_spread }) => effective_spread)),
      realized_spread: statisticsOf(spreads.map(({ realized_spread }) => realized_spread)),
    },
  };
}

export function vpinOf(frames: readonly Frame[]): z.infer<typeof vpinHistory> {
  const history = frames.flatMap(({ timestamp, vpin, mid_price, obi = 0 }) =>
    vpin === undefined ? [] : [{ timestamp, vpin, mid_price, obi }],
  );
  return {
    vpin_history: history,
    count: history.length,
    statistics: { ...statisticsOf(history.map(({ vpin }) => vpin)), current: history.at(-1)?.vpin ?? 0 },
    interpretation: {
      low: `below ${vpinLevels.medium}: buying and selling are balanced`,
      medium: `${vpinLevels.medium} to ${vpinLevels.high}: trading leans to one side`,
      high: `above ${vpinLevels.high}: trading is one-sided, and liquidity providers are likely to lose`,
    },
  };
}

export function tradeAnomaliesOf(frames: readonly Frame[]): z.infer<typeof tradeAnomalies> {
  const anomalies = anomaliesOf(frames)
    .filter(({ type }) => tradeTypes.includes(type))
    .map(({ timestamp, type, severity, message, ...fields }) => ({
      timestamp,
      type,
      severity,
      message,
      details: flat(fields),
    }));
  return { anomalies, count: anomalies.length };
}

/** The newest `limit` alerts, oldest first. */
export function alertHistoryOf(frames: readonly Frame[], limit: number): z.infer<typeof alertHistory> {
  const alerts = anomaliesOf(frames).map(({ timestamp, type, severity, message }) => ({
    timestamp,
    type,
    severity,
    message,
  }));
  return limit === 0 ? [] : alerts.slice(-limit);
}

export function alertStatsOf(frames: readonly Frame[]): z.infer<typeof alertStats> {
  const alerts = anomaliesOf(frames);
  const counts: Record<string, number> = {};
  for (const { type } of alerts) counts[type] = (counts[type] ?? 0) + 1;
  const now = nsOfIso(frames.at(-1)?.timestamp ?? "") ?? 0n;
  const active = alerts.filter(({ timestamp }) => now - (nsOfIso(timestamp) ?? 0n) < quietNs);
  return {
    total_alerts_logged: alerts.length,
    alert_counts_by_type: counts,
    active_deduplications: new Set(active.map(({ type, message }) => `${type} ${message}`)).size,
  };
}

function statisticsOf(values: readonly (number | null)[]): Statistics {
  const known = values.filter((value) => value !== null);
  if (known.length === 0) return { mean: 0, std: 0, min: 0, max: 0 };
  const mean = known.reduce((sum, value) => sum + value, 0) / known.length;
  const variance = known.reduce((sum, value) => sum + (value - mean) ** 2, 0) / known.length;
  return { mean: tidy(mean), std: tidy(Math.sqrt(variance)), min: Math.min(...known), max: Math.max(...known) };
}

function tidy(value: number): number {
  return Number(value.toFixed(decimals));
}

function flat(fields: Readonly<Record<string, unknown>>): Record<string, string | number> {
  const details: Record<string, string | number> = {};
  for (const [name, value] of Object.entries(fields)) {
    if (typeof value === "string" || typeof value === "number") details[name] = value;
  }
  return details;
}
