import { z } from "zod";
import { decimalText } from "../formats/decimal.js";
import { modeChoice, pace, rangeChoice, readAhead, sourceChoice } from "../session/commands.js";
import { newSessionId, sessionIdPattern } from "../session/session-id.js";
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
    .describe("frames per second; 0 sends every frame"),
  gaps: z.enum(["skip", "keep"], "must be skip or keep").optional(),
  pace: pace
    .optional()
    .describe("`lossless`: the playhead waits for its readers, at most at `speed`; without one, as fast as they can"),
  window: readAhead.optional().describe("with `pace` lossless: frames ahead of the slowest reader; 1 unless chosen"),
});
export type CreateBody = z.infer<typeof createBody>;

export const createAnswer = z.object({
  status: z.literal("success"),
  session_id: z.string(),
  created: z.boolean(),
  session: sessionView,
});

/** Body of `POST /mode`, which may name the session. */
export const modeBody = modeChoice.extend({ session_id: z.string().max(200).optional() });

/** An id that no session can have is looked up like any other, and not found. */
export const sessionParams = z.object({
  id: z
    .string()
    .meta({ description: `a session's id: ${sessionIdPattern.source}`, example: "session_1735900000000_ab12cd34e" }),
});
export const sessionQuery = z.object({ session_id: z.string().max(200).optional().describe("default: `global`") });

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

const controlStatus = z.enum(["started", "paused", "resumed", "stopped", "success"]);
/** A session with two further keys, which clients of the first version read. */
const replayState = sessionView.extend({
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
/** What a GET answers for the shared session while it does not exist. */
const absent = z.strictObject({});
export const stateAnswer = z.union([replayState, absent]);
export const modeStateAnswer = z.union([modeAnswer, absent]);
export const sessionAnswer = z.object({ session: sessionView });
export const sessionOrAbsent = z.object({ session: z.union([sessionView, absent]) });
export const successAnswer = z.object({ status: z.literal("success"), message: z.string() });
