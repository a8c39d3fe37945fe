import { z } from "zod";
import { type CommandName, commandNames } from "./commands.js";
import { type RefusalCode, refusals } from "./errors.js";
import { frame } from "./frame.js";
import { feedStatus, sessionView, tradeEvent } from "./session-view.js";

/** The subprotocol a new client asks for. A socket without it is a legacy client: `history` and `snapshot`, nothing else. */
export const subprotocol = "tapedeck.v1";

/** Numbers both sides rely on; the first message of a socket repeats them. */
export const limits = {
  /** Frames of history a newcomer gets. */
  historyFrames: 100,
  /** Bytes of a legacy socket's `history`. */
  historyBytes: 1_000_000,
  /** Missing frames above which a resume is not exact any more. */
  resumeFrames: 2_000,
  resumeTrades: 10_000,
  /** Trades in one message; more of them make more messages. */
  tradesPerMessage: 1_000,
  /** Epochs a session remembers for resuming. */
  epochs: 8,
  /** Orders that a session's user may give in all. */
  orders: 1_000,
  /** Bytes of a message from a client. */
  clientMessageBytes: 16_384,
  defaultMaxFps: 30,
  legacyMaxFps: 20,
  maxFps: 60,
} as const;

/** Why a session changed. */
export const stateCause = z.enum([
  "command",
  "ended",
  "loop",
  "parked",
  "unparked",
  "claimed",
  "failover",
  "recover",
  "reached",
  "tuned",
  "expired",
  "deleted",
]);
export type StateCause = z.infer<typeof stateCause>;

export const sessionMessage = z.object({
  type: z.literal("session"),
  session: sessionView,
  node: z.string(),
  limits: z.record(z.string(), z.number()),
});
export const historyMessage = z.object({
  type: z.literal("history"),
  data: z.array(frame),
  session_id: z.string(),
  epoch: z.int(),
  complete: z.boolean(),
});
/** What a legacy socket gets first. */
export const legacyHistoryMessage = z.object({
  type: z.literal("history"),
  data: z.array(frame),
  session_id: z.string(),
});
export const stateMessage = z.object({ type: z.literal("state"), cause: stateCause, session: sessionView });
export const ackMessage = z.object({
  type: z.literal("ack"),
  id: z.union([z.string(), z.number()]),
  session: sessionView,
});
export const errorMessage = z.object({
  type: z.literal("error"),
  id: z.union([z.string(), z.number()]).optional(),
  code: z.enum(Object.keys(refusals) as [RefusalCode, ...RefusalCode[]]),
  message: z.string(),
});
export const feedMessage = z.object({ type: z.literal("feed"), ...feedStatus.shape });
/** The fill of an order of this session's user. */
export const tradeEventMessage = z.object({ type: z.literal("trade_event"), data: tradeEvent });
export const lagMessage = z.object({
  type: z.literal("lag"),
  frames: z.int().describe("frames that were merged into newer ones because this socket reads too slowly"),
  trades_left_out: z.int().optional(),
});
export const pongMessage = z.object({ type: z.literal("pong") });

export const serverMessage = z.discriminatedUnion("type", [
  sessionMessage,
  historyMessage,
  frame,
  stateMessage,
  ackMessage,
  errorMessage,
  feedMessage,
  tradeEventMessage,
  lagMessage,
  pongMessage,
]);
export type ServerMessage = z.infer<typeof serverMessage>;

export const clientMessage = z.discriminatedUnion("type", [
  z.looseObject({
    type: z.literal("command"),
    id: z.union([z.string().max(100), z.number()]),
    command: z.enum(commandNames as [CommandName, ...CommandName[]]),
  }),
  z.object({ type: z.literal("ping") }),
  z.looseObject({ type: z.literal("ORDER") }).describe("the command `order` without an id"),
]);
export type ClientMessage = z.infer<typeof clientMessage>;
