import { z } from "zod";
import { type RefusalCode, refusals } from "../errors/errors.js";
import { frame } from "../frame/frame.js";
import { sessionFill, sessionOrder } from "../http/trading.js";
import { type CommandName, commandNames } from "../session/commands.js";
import { feedStatus, sessionView, tradeEvent } from "../session/session-view.js";

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
  "acted",
  "expired",
  "deleted",
]);
export type StateCause = z.infer<typeof stateCause>;

const sessionMessage = z.object({
  type: z.literal("session"),
  session: sessionView,
  node: z.string(),
  limits: z.record(z.string(), z.number()),
});
const historyMessage = z.object({
  type: z.literal("history"),
  data: z.array(frame),
  session_id: z.string(),
  epoch: z.int(),
  complete: z.boolean(),
});
/** The first message of a legacy socket. */
export const legacyHistoryMessage = z.object({
  type: z.literal("history"),
  data: z.array(frame),
  session_id: z.string(),
});
const stateMessage = z.object({ type: z.literal("state"), cause: stateCause, session: sessionView });
const ackMessage = z.object({
  type: z.literal("ack"),
  id: z.union([z.string(), z.number()]),
  session: sessionView,
});
const errorMessage = z.object({
  type: z.literal("error"),
  id: z.union([z.string(), z.number()]).optional(),
  code: z.enum(Object.keys(refusals) as [RefusalCode, ...RefusalCode[]]),
  message: z.string(),
});
const feedMessage = z.object({ type: z.literal("feed"), ...feedStatus.shape });
/** The fill of an order in this session. */
const tradeEventMessage = z.object({ type: z.literal("trade_event"), data: z.union([tradeEvent, sessionFill]) });
/** An order after each change of it. */
const orderMessage = z.object({ type: z.literal("order"), data: sessionOrder });
const lagMessage = z.object({
  type: z.literal("lag"),
  frames: z.int().describe("frames that were merged into newer ones because this socket reads too slowly"),
  trades_left_out: z.int().optional(),
});
/** The socket's token is about to expire: send `auth` with a fresh one, or the socket closes with 4401. */
const expiringMessage = z.object({ type: z.literal("expiring"), expires_at: z.string() });
const pongMessage = z.object({ type: z.literal("pong") });

export const serverMessage = z.discriminatedUnion("type", [
  sessionMessage,
  historyMessage,
  frame,
  stateMessage,
  ackMessage,
  errorMessage,
  feedMessage,
  tradeEventMessage,
  orderMessage,
  lagMessage,
  expiringMessage,
  pongMessage,
]);
export type ServerMessage = z.infer<typeof serverMessage>;

export const clientMessage = z.discriminatedUnion(
  "type",
  [
    z.looseObject({
      type: z.literal("command"),
      id: z.union([z.string().max(100), z.number()], "must be a text of at most 100 characters or a number"),
      command: z.enum(commandNames as [CommandName, ...CommandName[]], `must be one of ${commandNames.join(", ")}`),
    }),
    z.object({ type: z.literal("ping") }),
    z
      .object({
        type: z.literal("ack_frame"),
        epoch: z.int("must be a whole number"),
        seq: z.int("must be a whole number"),
      })
      .describe("the client is done with all frames of this epoch up to this one; it makes the socket a reader"),
    z
      .object({ type: z.literal("auth"), token: z.string() })
      .describe(
        "the first message, if authentication is on and the token was not sent otherwise; later, a fresh token",
      ),
    z.looseObject({ type: z.literal("ORDER") }).describe("the command `order` without an id"),
  ],
  {
    error: (issue) => (issue.code === "invalid_union" ? "must be command, ping, ack_frame, auth or ORDER" : undefined),
  },
);
export type ClientMessage = z.infer<typeof clientMessage>;
