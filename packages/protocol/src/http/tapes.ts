import { z } from "zod";
import { decimalText } from "../formats/decimal.js";
import { isoTime } from "../formats/time.js";

export const tapeView = z
  .object({
    id: z.string(),
    version: z.int(),
    symbol: z.string(),
    source: z.string(),
    from: isoTime,
    to: isoTime,
    duration_ms: z.number(),
    frames: z.int(),
    trades: z.int().nullable().describe("null for a simulated tape, which is generated as it plays"),
    bytes: z.int(),
    interval_ms: z.number().nullable(),
    gaps: z.array(z.object({ from: isoTime, to: isoTime, reason: z.string() })),
    event_counts: z.record(z.string(), z.int()).nullable().describe("by type; null for a simulated tape"),
    growing: z.boolean(),
    created_at: isoTime,
  })
  .meta({ id: "Tape" });
export type TapeView = z.infer<typeof tapeView>;

export const tapesAnswer = z.object({ tapes: z.array(tapeView) });

export const overviewQuery = z.object({
  points: decimalText(z.int().min(2, "must be at least 2").max(5000, "must be at most 5000"))
    .default(500)
    .describe("maximum number of points of the price line"),
});
export const tapeOverview = z.object({
  id: z.string(),
  points: z.array(z.object({ ts: isoTime, seq: z.int(), price: z.number(), low: z.number(), high: z.number() })),
  gaps: tapeView.shape.gaps,
  events: z.array(z.object({ ts: isoTime, seq: z.int(), type: z.string(), severity: z.string() })),
});
export type TapeOverview = z.infer<typeof tapeOverview>;
