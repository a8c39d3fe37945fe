import { limits, type Refusal, refuse, type TradeEvent, tradeEvent, type WallMs } from "@tapedeck/protocol";
import type { PlacedOrder } from "@tapedeck/tape";
import { z } from "zod";
import type { Moment, ResolvedCommand } from "../rules/commands.js";
import { anchorAt, nextEpoch } from "../rules/epochs.js";
import type { SessionRecord } from "../rules/record.js";
import { applyFill } from "./account.js";

const orderFields = z.object({
  id: z.string(),
  after: z.string(),
  seq: z.int(),
  side: z.enum(["BUY", "SELL"]),
  quantity: z.number(),
  filled: z.number(),
});

/** The outcome of an order; absent in orders that older releases stored. */
const outcomeFields = z.object({
  tape: z.string().optional(),
  placed: z.number().optional(),
  fill: tradeEvent.optional(),
});

/** An order and its outcome: the tape that it forked, when it was placed, and its fill. */
export interface StoredOrder extends PlacedOrder {
  readonly tape?: string | undefined;
  readonly placed?: WallMs | undefined;
  readonly fill?: TradeEvent | undefined;
}

/** What an action took from a simulated market: in few bytes, since a bot has thousands. */
const settledFields = z.tuple([z.string(), z.string(), z.int(), z.enum(["BUY", "SELL"]), z.number(), z.number()]);

/** An entry of the session's list of orders. `session` is the session after the order. */
export function encodeOrder(
  { id, after, seq, side, quantity, filled, sent }: PlacedOrder,
  { tape, anchorWallMs, lastFill }: Pick<SessionRecord, "tape" | "anchorWallMs" | "lastFill">,
): string {
  if (sent !== undefined) return JSON.stringify([id, after, seq, side, quantity, sent]);
  return JSON.stringify({
    id,
    after,
    seq,
    side,
    quantity,
    filled,
    tape,
    placed: anchorWallMs,
    fill: lastFill ?? undefined,
  });
}

export function decodeOrder(text: string): StoredOrder {
  if (text.startsWith("[")) {
    const [id, after, seq, side, quantity, sent] = settledFields.parse(JSON.parse(text));
    return { id, after, seq, side, quantity, filled: quantity, settled: true, sent };
  }
  return orderFields.extend(outcomeFields.shape).parse(JSON.parse(text));
}

/** Why the session cannot take an order now; undefined if it can. */
export function orderRefusal(session: SessionRecord, { here, end }: Pick<Moment, "here" | "end">): Refusal | undefined {
  const { id, mode, state, orders } = session;
  if (mode !== "SIMULATION") {
    return refuse(
      "NOT_SIMULATION",
      `Session ${id} is in mode ${mode}; orders require mode SIMULATION. Nothing was changed.`,
    );
  }
  if (state !== "PLAYING" || here.seq >= end.seq) {
    const why = state === "PLAYING" ? "at the end of its range" : state;
    return refuse(
      "NOT_PLAYING",
      `Session ${id} is ${why}; orders require a session that is playing. Nothing was changed.`,
    );
  }
  if (orders >= limits.orders) {
    return refuse("TOO_MANY_ORDERS", `A session accepts at most ${limits.orders} orders. Nothing was changed.`);
  }
  return undefined;
}

/**
 * Goes on in the market that an order has forked. Frames before the order are unchanged, so history is kept. The first order, and
 * one that drops later orders, begins a new epoch with the next frame. One that follows the last order stays in its epoch: no
 * frame of that epoch has changed, so (epoch, seq) still names one frame.
 */
export function applyOrder(
  session: SessionRecord,
  { forked }: Extract<ResolvedCommand, { type: "order" }>,
  { here, now }: Moment,
): SessionRecord {
  const { account, event } = applyFill(session.account, forked);
  return {
    ...anchorAt(session, here, now),
    tape: forked.tape,
    ...(forked.appended ? {} : { epoch: nextEpoch(session.epoch, now), epochFromSeq: here.seq + 1 }),
    account,
    orders: session.orders + 1,
    lastFill: event,
    orderSeq: forked.order.seq,
  };
}
