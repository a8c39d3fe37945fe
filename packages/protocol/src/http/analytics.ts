import { z } from "zod";
import { decimalText } from "../formats/decimal.js";
import { isoTime } from "../formats/time.js";
import { severity, tradeSide } from "../frame/frame.js";
import { sessionQuery } from "./sessions.js";

/** An anomaly without its frame, always with its time. */
const timedAnomaly = z.looseObject({
  timestamp: isoTime,
  type: z.string(),
  severity,
  message: z.string(),
});
export const anomaliesAnswer = z.array(timedAnomaly);

/** The kinds of anomalies as keys of counts, and the type that each has in frames. */
export const anomalyKinds = {
  quote_stuffing: "QUOTE_STUFFING",
  layering: "LAYERING",
  momentum_ignition: "MOMENTUM_IGNITION",
  wash_trading: "WASH_TRADING",
  iceberg_orders: "ICEBERG_ORDER",
  spoofing: "SPOOFING",
  liquidity_gaps: "LIQUIDITY_GAP",
} as const;
export type AnomalyKind = keyof typeof anomalyKinds;

/** Further fields of each kind; absent only on tapes made by another program. */
const anomalyFields = {
  liquidity_gaps: {
    gap_count: z.int().optional(),
    affected_levels: z.array(z.int()).optional(),
    total_gap_volume: z.number().optional(),
  },
  spoofing: { side: z.string().optional(), volume_ratio: z.number().optional(), price_level: z.number().optional() },
  quote_stuffing: { update_rate: z.number().optional(), avg_rate: z.number().optional() },
  layering: { side: z.string().optional(), score: z.number().optional(), large_order_count: z.int().optional() },
  momentum_ignition: {
    price_change_pct: z.number().optional(),
    volume: z.number().optional(),
    direction: z.enum(["UP", "DOWN"]).optional(),
  },
  wash_trading: {
    avg_volume: z.number().optional(),
    volume_variance: z.number().optional(),
    pattern_count: z.int().optional(),
  },
  iceberg_orders: {
    price: z.number().optional(),
    side: z.string().optional(),
    fill_count: z.int().optional(),
    total_volume: z.number().optional(),
    avg_fill_size: z.number().optional(),
  },
} satisfies Record<AnomalyKind, z.ZodRawShape>;

/** Schema of the anomalies of one kind, each with the mid price of its frame. */
export function anomaliesOfKindAnswer(kind: AnomalyKind) {
  return z.array(timedAnomaly.extend({ mid_price: z.number(), ...anomalyFields[kind] }));
}

export const anomalySummary = z.object({
  quote_stuffing: z.int(),
  layering: z.int(),
  momentum_ignition: z.int(),
  wash_trading: z.int(),
  iceberg_orders: z.int(),
  spoofing: z.int(),
  liquidity_gaps: z.int(),
});
export type AnomalySummary = z.infer<typeof anomalySummary>;

export const classifiedTrades = z.object({
  trades: z.array(
    z.object({
      timestamp: isoTime,
      price: z.number(),
      volume: z.number(),
      side: tradeSide,
      mid_price: z
        .number()
        .nullable()
        .describe("the mid price just before the trade; null if the tape does not contain it: docs/analytics.md"),
      effective_spread: z
        .number()
        .nullable()
        .describe("2 x (price - mid_price), negated for a seller; null if side or mid are unknown"),
    }),
  ),
  count: z.int(),
});

const statistics = z.object({ mean: z.number(), std: z.number(), min: z.number(), max: z.number() });
export type Statistics = z.infer<typeof statistics>;

export const tradeSpreads = z.object({
  spreads: z.array(
    z.object({
      timestamp: isoTime,
      effective_spread: z.number().nullable(),
      realized_spread: z.number().nullable().describe("null until 5 s after the trade"),
      trade_side: tradeSide,
      mid_price: z.number(),
    }),
  ),
  count: z.int(),
  statistics: z
    .object({ effective_spread: statistics, realized_spread: statistics })
    .describe("over the known values; zeros if there are none"),
});

export const vpinHistory = z.object({
  vpin_history: z.array(z.object({ timestamp: isoTime, vpin: z.number(), mid_price: z.number(), obi: z.number() })),
  count: z.int(),
  statistics: statistics.extend({ current: z.number() }),
  interpretation: z.object({ low: z.string(), medium: z.string(), high: z.string() }),
});

export const tradeAnomalies = z.object({
  anomalies: z.array(timedAnomaly.extend({ details: z.record(z.string(), z.union([z.string(), z.number()])) })),
  count: z.int(),
});

/** Every number is accepted and clamped. */
export const alertsQuery = sessionQuery.extend({
  limit: decimalText(z.number().transform((limit) => Math.max(0, Math.min(1_000, Math.floor(limit)))))
    .default(100)
    .describe("number of newest alerts, clamped to 0 to 1000"),
});
export const alertHistory = z.array(z.object({ timestamp: isoTime, type: z.string(), severity, message: z.string() }));

export const alertStats = z.object({
  total_alerts_logged: z.int(),
  alert_counts_by_type: z.record(z.string(), z.int()),
  active_deduplications: z
    .int()
    .describe("distinct alerts of the last 5 s of tape time, whose repetitions are suppressed"),
});
