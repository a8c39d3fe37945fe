import { z } from "zod";

/** What detectors find, and a seek can be asked for: `type` of anomalies and events. */
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

const known: ReadonlySet<string> = new Set(eventTypes);

/** A text still, since tapes that other releases wrote may hold other types. */
export const eventType = z
  .string()
  .refine((type) => known.has(type), `must be one of ${eventTypes.join(", ")}`)
  .meta({ enum: [...eventTypes] });
