import { z } from "zod";
import { decimalText } from "../formats/decimal.js";
import { isoTime } from "../formats/time.js";
import { modeChoice, rangeChoice, sourceChoice } from "../session/commands.js";
import { newSessionId } from "../session/session-id.js";
import { maxSpeed, minSpeed, mode, playbackState, sessionView } from "../session/session-view.js";
import { limits } from "../socket/limits.js";

export const createBody = z.object({
  session_id: newSessionId.optional(),
  mode: mode.optional(),
  ...sourceChoice.shape,
  speed: z
    .number()
    .min(minSpeed, `must be at least ${minSpeed}`)
    .max(maxSpeed, `must be at most ${maxSpeed}`)
    .optional(),
  ...rangeChoice.shape,
  max_fps: z
    .int()
    .min(0, "must be at least 0")
    .max(limits.maxFps, `must be at most ${limits.maxFps}`)
    .optional()
    .describe("frames a second, 0 for every frame"),
  gaps: z.enum(["skip", "keep"], "must be skip or keep").optional(),
});
export type CreateBody = z.infer<typeof createBody>;

export const createAnswer = z.object({
  status: z.literal("success"),
  session_id: z.string(),
  created: z.boolean(),
  session: sessionView,
});

/** Body of `POST /mode`: the id may be in the path, in here, or absent for the shared session. */
export const modeBody = modeChoice.extend({ session_id: z.string().max(200).optional() });

export const sessionQuery = z.object({ session_id: z.string().max(200).optional().describe("`global` without it") });

export const listQuery = z.object({
  limit: decimalText(z.int().min(1, "must be at least 1").max(1000, "must be at most 1000")).default(100),
  cursor: z.string().max(300).optional(),
  mode: mode.optional(),
  state: playbackState.optional(),
});
export const listAnswer = z.object({
  total_sessions: z.int(),
  active_sessions: z.int(),
  paused_sessions: z.int(),
  sessions: z.array(sessionView),
  next_cursor: z.string().nullable(),
});
export type SessionList = z.infer<typeof listAnswer>;

export const sessionStats = z
  .object({
    total_sessions: z.int(),
    active_sessions: z.int(),
    paused_sessions: z.int(),
    stopped_sessions: z.int(),
    connected_sockets: z.int(),
    mode_distribution: z.object({ REPLAY: z.int(), LIVE: z.int(), SIMULATION: z.int() }),
    average_session_duration_seconds: z.number(),
    created_total: z.int(),
    expired_total: z.int(),
    deleted_total: z.int(),
    created_per_minute: z.number(),
    cleaned_up_per_minute: z.number(),
    sessions_by_node: z.record(z.string(), z.int()),
  })
  .meta({ id: "SessionStats" });
export type SessionStats = z.infer<typeof sessionStats>;

export const controlStatus = z.enum(["started", "paused", "resumed", "stopped", "success"]);
/** Further keys of a session that the first version's controller answered. */
export const replayState = sessionView.extend({
  is_playing: z.boolean().describe("whether state is PLAYING"),
  is_paused: z.boolean().describe("whether state is PAUSED"),
});
export type ReplayState = z.infer<typeof replayState>;

export const controlAnswer = replayState.extend({ status: controlStatus });
export const modeAnswer = sessionView.extend({
  status: z.literal("success"),
  symbol: z.string().nullable(),
  source: z.string().nullable(),
});
/** What a GET answers about the shared session while it is absent. */
export const absent = z.strictObject({});
export const stateAnswer = z.union([replayState, absent]);
export const modeStateAnswer = z.union([modeAnswer, absent]);
export const sessionAnswer = z.object({ session: sessionView });
export const sessionOrAbsent = z.object({ session: z.union([sessionView, absent]) });
export const successAnswer = z.object({ status: z.literal("success"), message: z.string() });

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
    trades: z.int().nullable().describe("null of a simulated tape, which is made as it is played"),
    bytes: z.int(),
    interval_ms: z.number().nullable(),
    gaps: z.array(z.object({ from: isoTime, to: isoTime, reason: z.string() })),
    event_counts: z.record(z.string(), z.int()).nullable().describe("by type; null of a simulated tape"),
    growing: z.boolean(),
    created_at: isoTime,
  })
  .meta({ id: "Tape" });
export type TapeView = z.infer<typeof tapeView>;

export const tapesAnswer = z.object({ tapes: z.array(tapeView) });

export const overviewQuery = z.object({
  points: decimalText(z.int().min(2, "must be at least 2").max(5000, "must be at most 5000"))
    .default(500)
    .describe("how many points the price line has at most"),
});
export const tapeOverview = z.object({
  id: z.string(),
  points: z.array(z.object({ ts: isoTime, seq: z.int(), price: z.number(), low: z.number(), high: z.number() })),
  gaps: tapeView.shape.gaps,
  events: z.array(z.object({ ts: isoTime, seq: z.int(), type: z.string(), severity: z.string() })),
});
export type TapeOverview = z.infer<typeof tapeOverview>;
