import { type Command, type Refusal, refuse, type WallMs } from "@tapedeck/protocol";
import type { Tapes } from "../rules/choose-mode.js";
import { type Moment, momentWithoutTape, type Resolution, writeLeadMs } from "../rules/commands.js";
import { momentOnTape } from "../rules/places.js";
import { isMoving, wallAt } from "../rules/playhead.js";
import type { SessionRecord } from "../rules/record.js";
import { orderRefusal } from "./orders.js";

/** How long before its frame is due an order is placed, in ms of wall time: the first one, and longer after each attempt that was too late. */
const orderLeadsMs = [40, 80, 160, 320, 640];

/**
 * How far an order's frame may lie ahead of the playhead, in nanoseconds of market. At high speeds, the time that it takes to
 * make an order's market is a long stretch of it.
 */
const orderHorizonNs = 300e9;

/**
 * Places an order in the market as it will be in a moment: its fill, and how the market goes on, must be known before the frame
 * that shows the fill is due, or viewers would get that frame twice. If that takes too long, a later frame is tried. Redis decides:
 * it writes the order before that frame is due, or not at all.
 */
export async function resolveOrder(
  session: SessionRecord,
  { side, quantity }: Extract<Command, { type: "order" }>,
  now: () => WallMs,
  tapes: Tapes,
  signal: AbortSignal | undefined,
): Promise<Resolution | Refusal> {
  const tape = session.tape === "" ? undefined : await tapes.open(session.tape);
  const momentAt = async (ms: WallMs): Promise<Moment> =>
    tape === undefined ? momentWithoutTape(ms) : momentOnTape(tape, session, ms);
  for (const leadMs of orderLeadsMs) {
    signal?.throwIfAborted();
    const placed = await momentAt(now());
    const refusal = orderRefusal(session, placed);
    if (refusal !== undefined) return refusal;
    const soon = await momentAt(now() + leadMs);
    const seq = Math.max(Math.min(soon.here.seq + 1, soon.end.seq), session.orderSeq ?? 0);
    if (tape !== undefined && (await tape.nsOf(seq)) - placed.here.ns > orderHorizonNs) break;
    const forked = await tapes.fork(session.tape, session.id, { side, quantity, seq });
    if (forked === undefined) {
      return refuse("NOT_FILLED", "There is no liquidity, or the quantity is below one lot. Nothing was changed.");
    }
    const moment = await momentAt(now());
    const command = { type: "order", forked } as const;
    if (tape === undefined || !isMoving(session)) return { command, moment };
    const by = wallAt(session, await tape.nsOf(seq), moment.timeline) - writeLeadMs;
    if (moment.now < by) return { command, moment, by };
  }
  return refuse(
    "BUSY",
    `The market with this order could not be computed in time, within ${orderHorizonNs / 60e9} minutes of market ahead. ` +
      "Try again, or at a lower speed. Nothing was changed.",
  );
}
