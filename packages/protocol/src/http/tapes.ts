import { z } from "zod";
import { decimalText } from "../formats/decimal.js";
import { isoTime } from "../formats/time.js";

const tapeVersion = z.object({
  version: z.int(),
  current: z.boolean().describe("whether the id alone stands for it"),
  bytes: z.int().nullable().describe("null for a damaged one"),
  created_at: isoTime.nullable().describe("null for a damaged one"),
});
export type TapeVersion = z.infer<typeof tapeVersion>;

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
    bytes: z.int().describe("what this version takes in the tape store"),
    versions: z
      .array(tapeVersion)
      .optional()
      .describe(
        "with `?versions=true`: all finished versions, newest first; absent for tapes that grow or are simulated",
      ),
    interval_ms: z.number().nullable(),
    gaps: z.array(z.object({ from: isoTime, to: isoTime, reason: z.string() })),
    event_counts: z.record(z.string(), z.int()).nullable().describe("by type; null for a simulated tape"),
    growing: z.boolean(),
    event_track: z
      .boolean()
      .describe("whether it has every change of its book and every trade: see `/tapes/{id}/book`"),
    created_at: isoTime,
  })
  .meta({ id: "Tape" });
export type TapeView = z.infer<typeof tapeView>;

const flagText = z
  .enum(["true", "false"], "must be true or false")
  .default("false")
  .transform((text) => text === "true");

export const tapesQuery = z.object({
  versions: flagText.describe("also list the versions of each tape, with their sizes"),
});

export const deleteTapeQuery = z.object({
  force: flagText.describe("also delete a tape that sessions play, and a current version that is named by its number"),
});
export const tapeDeletion = z.object({
  status: z.literal("success"),
  message: z.string(),
  deleted: z.array(z.object({ name: z.string(), bytes: z.int().nullable() })).describe("versions, newest first"),
  freed_bytes: z.int(),
});
export type TapeDeletion = z.infer<typeof tapeDeletion>;

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
