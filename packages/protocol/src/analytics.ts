import { z } from "zod";
import { severity, tradeSide } from "./frame.js";
import { isoTime } from "./time.js";

/** An anomaly outside its frame: the time is always there. */
export const timedAnomaly = z.looseObject({
  timestamp: isoTime,
  type: z.string(),
  severity,
  message: z.string(),
});
export const anomaliesAnswer = z.array(timedAnomaly);

/** Counts by kind; the key of each, and the type that anomalies of that kind have in frames. */
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
      mid_price: z.number(),
      effective_spread: z
        .number()
        .nullable()
        .describe("2 x (price - mid_price), the other sign for a seller; null for an unknown side"),
    }),
  ),
  count: z.int(),
});
