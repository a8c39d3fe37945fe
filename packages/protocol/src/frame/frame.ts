import { z } from "zod";
import { isoTime } from "../formats/time.js";

/** `[price, size]`; size 0 means "no such level". */
const level = z.tuple([z.number(), z.number().nonnegative()]);
export type Level = z.infer<typeof level>;

export const tradeSide = z.enum(["buy", "sell", "unknown"]);
export type TradeSide = z.infer<typeof tradeSide>;

export const trade = z.looseObject({
  timestamp: isoTime,
  price: z.number(),
  size: z.number().positive(),
  side: tradeSide,
  mid_price: z
    .number()
    .optional()
    .describe("the mid price just before the trade; absent on tapes recorded before trades had this field"),
  own: z.literal(true).optional(),
});
export type Trade = z.infer<typeof trade>;

/**
 * The cost of taking liquidity in price units: 2 D (price - mid), where D is +1 for a buying taker and -1 for a selling one, and `mid`
 * is the mid price just before the trade. null for an unknown side. The result has float noise.
 */
export function effectiveSpreadOf({ side, price }: Pick<Trade, "side" | "price">, mid: number): number | null {
  if (side === "unknown") return null;
  return 2 * (side === "buy" ? price - mid : mid - price);
}

/** A level with unusually little volume for its market. */
const liquidityGap = z.looseObject({
  price: z.number(),
  volume: z.number().nonnegative(),
  side: z.enum(["bid", "ask"]),
  /** 1 is the best level. */
  level: z.int(),
  /** 0 to 100 */
  risk_score: z.number(),
});
export type LiquidityGap = z.infer<typeof liquidityGap>;

export const severity = z.enum(["low", "medium", "high", "critical"], "must be low, medium, high or critical");
export type Severity = z.infer<typeof severity>;

export const anomaly = z.looseObject({
  type: z.string(),
  severity,
  message: z.string(),
  timestamp: isoTime.optional(),
});
export type Anomaly = z.infer<typeof anomaly>;

/** The `type` of anomalies and events: what the detectors find, and what a seek may ask for. */
export const eventTypes = [
  "DATA_VALIDATION_ERROR",
  "DEPTH_SHOCK",
  "HEAVY_IMBALANCE",
  "ICEBERG_ORDER",
  "LAYERING",
  "LIQUIDITY_GAP",
  "MOMENTUM_IGNITION",
  "QUOTE_STUFFING",
  "RAPID_TRADING",
  "REGIME_CRISIS",
  "REGIME_STRESS",
  "SPOOFING",
  "UNUSUAL_TRADE_SIZE",
  "WASH_TRADING",
] as const;
export type EventType = (typeof eventTypes)[number];

const knownEventTypes: ReadonlySet<string> = new Set(eventTypes);

/** A string rather than an enum, since tapes written by other releases may contain other types. */
export const eventType = z
  .string()
  .refine((type) => knownEventTypes.has(type), `must be one of ${eventTypes.join(", ")}`)
  .meta({ enum: [...eventTypes] });

/**
 * One self-contained market state as clients see it. A loose object: analytics add fields, and clients ignore
 * unknown ones. `frame-rules.ts` checks what a schema cannot express.
 */
export const frame = z
  .looseObject({
    type: z.literal("snapshot"),
    seq: z.int().nonnegative(),
    timestamp: isoTime,
    symbol: z.string(),
    bids: z.array(level).min(10).max(20),
    asks: z.array(level).min(10).max(20),
    mid_price: z.number(),
    microprice: z.number(),
    best_bid: z.number().nullable(),
    best_ask: z.number().nullable(),
    spread: z.number().nullable(),
    q_bid: z.number().nonnegative(),
    q_ask: z.number().nonnegative(),
    updates: z.int().nonnegative(),
    trades: z.array(trade),
    trade_classified: z.boolean(),
    trade_volume: z.number().positive().optional(),
    last_trade_price: z.number().optional(),
    trade_side: tradeSide.optional(),
    effective_spread: z.number().nullable().optional(),
    anomalies: z.array(anomaly),
    obi: z.number().optional(),
    ofi: z.number().optional(),
    directional_prob: z.number().optional(),
    vpin: z.number().optional(),
    divergence: z.number().optional(),
    gap_count: z.int().optional(),
    gap_severity_score: z.number().optional(),
    liquidity_gaps: z.array(liquidityGap).optional(),
    spoofing_risk: z.number().optional(),
    volume_volatility: z.number().optional(),
    regime: z.int().optional(),
    regime_label: z.string().optional(),
    realized_spread: z.number().nullable().optional(),
    realized_spread_of: z.array(isoTime).nullable().optional(),
    skipped: z.int().positive().optional(),
    gap_before_ms: z.number().positive().optional(),
    exchange_ts: isoTime.optional(),
    ingest_ts: isoTime.optional(),
    source: z.string().optional(),
  })
  .meta({ id: "Frame" });
export type Frame = z.infer<typeof frame>;
