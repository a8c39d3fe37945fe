import { limits, type Refusal, refuse, type TradeEvent, tradeEvent, type WallMs } from "@tapedeck/protocol";
import type { PlacedOrder } from "@tapedeck/tape";
import { z } from "zod";
import type { Moment, ResolvedCommand } from "../rules/commands.js";
import { anchorAt, nextEpoch } from "../rules/epochs.js";
import type { SessionRecord } from "../rules/record.js";
import { applyFill } from "./account.js";

const givenOrder = z.object({
  id: z.string(),
  after: z.string(),
  seq: z.int(),
  side: z.enum(["BUY", "SELL"]),
  quantity: z.number(),
  filled: z.number(),
});

/** What came of an order; undefined of those that were put down before this was kept with them. */
const outcome = z.object({
  tape: z.string().optional(),
  placed: z.number().optional(),
  fill: tradeEvent.optional(),
});

/** An order and its outcome: the tape that it made, when it was given, and its fill. */
export interface StoredOrder extends PlacedOrder {
  readonly tape?: string | undefined;
  readonly placed?: WallMs | undefined;
  readonly fill?: TradeEvent | undefined;
}

/** An order as its session's list keeps it. `session` is what the order made of it. */
export function encodeOrder(
  { id, after, seq, side, quantity, filled }: PlacedOrder,
  { tape, anchorWallMs, lastFill }: Pick<SessionRecord, "tape" | "anchorWallMs" | "lastFill">,
): string {
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
  return givenOrder.extend(outcome.shape).parse(JSON.parse(text));
}

/** Why no order can be given now; undefined where one can. */
export function orderRefusal(session: SessionRecord, { here, end }: Pick<Moment, "here" | "end">): Refusal | undefined {
  const { id, mode, state, orders } = session;
  if (mode !== "SIMULATION") {
    return refuse(
      "NOT_SIMULATION",
      `Session ${id} is in mode ${mode}; orders are for a simulated market. Nothing was changed.`,
    );
  }
  if (state !== "PLAYING" || here.seq >= end.seq) {
    const why = state === "PLAYING" ? "at the end of what it plays" : state;
    return refuse("NOT_PLAYING", `Session ${id} is ${why}; orders need a market that plays. Nothing was changed.`);
  }
  if (orders >= limits.orders) {
    return refuse("TOO_MANY_ORDERS", `A session takes ${limits.orders} orders in all. Nothing was changed.`);
  }
  return undefined;
}

/**
 * Goes on in the market that an order has made. All that was shown before it stays as it was, so history is kept. The first order,
 * and one that leaves later ones behind, forks the tape: a new epoch, which begins with the next frame. One that goes on from
 * the last is in the same epoch: no frame of that has changed, so (epoch, seq) still names one frame.
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
