import { z } from "zod";
import { isoTime } from "../formats/time.js";

export const mode = z.enum(["REPLAY", "LIVE", "SIMULATION"], "must be REPLAY, LIVE or SIMULATION");
export type Mode = z.infer<typeof mode>;

export const playbackState = z.enum(["STOPPED", "PLAYING", "PAUSED"], "must be STOPPED, PLAYING or PAUSED");
export type PlaybackState = z.infer<typeof playbackState>;

export const feedStatus = z.object({
  status: z.enum(["connecting", "up", "down"]),
  reason: z.string().optional(),
});
export type FeedStatus = z.infer<typeof feedStatus>;

/** The holdings of a session's user in its simulated market. */
const account = z.object({
  position: z.number().describe("units held; below 0: sold short"),
  average_price: z.number().nullable().describe("average entry price of the position; null without one"),
  realized_pnl: z.number().describe("profit and loss of closed positions, in the quote currency"),
});
export type Account = z.infer<typeof account>;

/** An account whose position is valued at a mid price. */
export const markedAccount = account.extend({
  unrealized_pnl: z
    .number()
    .nullable()
    .describe("profit and loss of the open position at the mid price of the current frame; null if that is unknown"),
  total_pnl: z.number().nullable().describe("realised plus unrealised"),
});
export type MarkedAccount = z.infer<typeof markedAccount>;

export const tradeEvent = z.object({
  id: z.string(),
  timestamp: isoTime,
  side: z.enum(["BUY", "SELL"]),
  price: z.number().describe("mean price of the order's trades, weighted by size"),
  size: z.number().describe("units filled; fewer than ordered if the book had no more"),
  type: z.enum(["ENTRY", "EXIT"]).describe("EXIT if it closes the position, partly, fully or beyond"),
  pnl: z.number().describe("profit or loss that this fill realised; 0 for an ENTRY"),
  account: markedAccount
    .optional()
    .describe(
      "the account after the fill, at the mid price of the frame that shows it; absent in fills of older releases",
    ),
});
export type TradeEvent = z.infer<typeof tradeEvent>;

/** Seconds of tape per second of wall time. */
export const minSpeed = 0.1;
export const maxSpeed = 1000;

/** A session as clients see it; the same JSON in every answer and message. */
export const sessionView = z
  .object({
    session_id: z.string(),
    user_id: z.string().nullable(),
    mode,
    active_symbol: z.string().nullable(),
    active_source: z.string().nullable(),
    tape: z.string().nullable(),
    controller_state: z.object({
      state: playbackState,
      speed: z.number(),
      cursor_ts: isoTime.nullable(),
      cursor_seq: z.int().nullable(),
      from_ts: isoTime.nullable(),
      to_ts: isoTime.nullable(),
      loop: z.boolean(),
      max_fps: z.int(),
    }),
    state: playbackState,
    reason: z.string().nullable().describe("why a STOPPED session is stopped: start, stop or ended; otherwise null"),
    speed: z.number(),
    cursor_ts: isoTime.nullable(),
    epoch: z.int(),
    rev: z.int(),
    parked: z.boolean().describe("PLAYING without viewers: the clock stands still until a socket connects"),
    behind_ms: z.number().nullable().describe("distance from the edge of a growing tape"),
    buffer_size: z.int().describe("frames of history that a new socket receives, at most 100"),
    connections: z.int(),
    created_at: isoTime,
    last_activity: isoTime,
    expires_at: isoTime,
    feed: feedStatus.optional(),
    kept_modes: z
      .array(mode)
      .optional()
      .describe(
        "other modes that the session has been in; changing to one of them without naming a source resumes it as it was left",
      ),
    account: markedAccount.optional().describe("in SIMULATION"),
    pace: z
      .object({
        type: z.literal("lossless"),
        window: z.int().describe("frames that readers may be given beyond what the slowest has acknowledged"),
        speed: z.union([z.number(), z.literal("max")]).describe("the upper bound"),
      })
      .optional()
      .describe("in lossless pace: the playhead waits for the session's readers"),
  })
  .meta({ id: "Session" });
export type SessionView = z.infer<typeof sessionView>;
