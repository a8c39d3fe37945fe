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

/** What the user of a simulated market has, by the orders they gave in it. */
export const account = z.object({
  position: z.number().describe("units held; below 0: sold short"),
  average_price: z.number().nullable().describe("at which the position was entered; null without one"),
  realized_pnl: z.number().describe("profit and loss of what was closed, in the quote currency"),
});
export type Account = z.infer<typeof account>;

/** An account with what is held valued at a mid price. */
export const markedAccount = account.extend({
  unrealized_pnl: z
    .number()
    .nullable()
    .describe("profit and loss of what is held, at the mid price of the frame shown; null while that is not known"),
  total_pnl: z.number().nullable().describe("realised and unrealised"),
});
export type MarkedAccount = z.infer<typeof markedAccount>;

export const tradeEvent = z.object({
  id: z.string(),
  timestamp: isoTime,
  side: z.enum(["BUY", "SELL"]),
  price: z.number().describe("mean price of the order's trades, weighted by size"),
  size: z.number().describe("units filled; less than asked for where the book had no more"),
  type: z.enum(["ENTRY", "EXIT"]).describe("EXIT where it closes some of the position, or all and more"),
  pnl: z.number().describe("what this fill realised; 0 for an ENTRY"),
  account: markedAccount
    .optional()
    .describe("what it left, at the mid price of the frame that shows it; absent of fills from before this was told"),
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
    reason: z
      .string()
      .nullable()
      .describe("why the deck stands still: start, stop, ended; null while it plays or is paused"),
    speed: z.number(),
    cursor_ts: isoTime.nullable(),
    epoch: z.int(),
    rev: z.int(),
    parked: z.boolean().describe("playing, but nobody watches: the clock stands until a socket comes"),
    behind_ms: z.number().nullable().describe("distance from the edge of a growing tape"),
    buffer_size: z.int().describe("frames of history a newcomer gets, at most 100"),
    connections: z.int(),
    created_at: isoTime,
    last_activity: isoTime,
    expires_at: isoTime,
    feed: feedStatus.optional(),
    kept_modes: z
      .array(mode)
      .optional()
      .describe(
        "other modes that the session has been in: a change to one, without naming a source, resumes what it was left with",
      ),
    account: markedAccount.optional().describe("in SIMULATION"),
  })
  .meta({ id: "Session" });
export type SessionView = z.infer<typeof sessionView>;
