import type { Output } from "@tapedeck/matching";
import type { TapeNs } from "@tapedeck/protocol";
import { isMoving, type SessionRecord } from "@tapedeck/sessions";
import { parseSimulatedName, type Seq, type SettledOrder, type Tape, type TrackDecimals } from "@tapedeck/tape";
import type { ChainSettings } from "../settings.js";

/** Frames of a simulated market between two that see orders. Each makes some seconds of market anew, on every node that plays it. */
const framesBetween = 10;

/** A frame that comes sooner is being made already: it sees no more orders. */
const framesOfNotice = 2;

/** Whether the session's market sees what its orders take. */
export function hasImpact(session: Pick<SessionRecord, "mode">, tape: Tape, { settings }: ChainSettings): boolean {
  return session.mode === "SIMULATION" && settings.market_impact && parseSimulatedName(tape.id) !== undefined;
}

/**
 * What an action takes from the market when it arrives, and the frame with which the market sees that: the one after the frame that shows the fill, so
 * that neither a fill nor a frame that was shown depends on it. Orders that come soon after each other are seen together. Undefined: it takes nothing.
 *
 * @param said by the engine at the action's arrival
 */
export async function settledOrder(
  session: SessionRecord,
  tape: Tape,
  { size }: TrackDecimals,
  { sent, atNs, said }: { readonly sent: TapeNs; readonly atNs: bigint; readonly said: readonly Output[] },
): Promise<SettledOrder | undefined> {
  const taken = takenLast(said);
  if (taken === undefined) return undefined;
  const shown = (await tape.seqAt(Number(atNs - tape.startNs))) + 1;
  const side = taken.side === "buy" ? "BUY" : "SELL";
  return { seq: seenWith(session, shown), side, quantity: taken.amount / Number(`1e${size}`), sent };
}

/** What the last action took, of all that arrive at its time. Of a list whose orders take from both sides, it is what is left of that. */
function takenLast(said: readonly Output[]): { readonly side: "buy" | "sell"; readonly amount: number } | undefined {
  const begins = said.findLastIndex(({ kind }) => kind === "accepted" || kind === "replaced" || kind === "refused");
  let bought = 0;
  for (const output of said.slice(Math.max(0, begins)))
    if (output.kind === "fill" && !output.maker) bought += output.side === "buy" ? output.amount : -output.amount;
  return bought === 0 ? undefined : { side: bought > 0 ? "buy" : "sell", amount: Math.abs(bought) };
}

function seenWith(session: SessionRecord, shown: Seq): Seq {
  const { orderSeq: newest, speed } = session;
  const first = shown + 1;
  if (newest === null) return first;
  const moving = isMoving(session);
  if (newest >= first + (moving ? Math.ceil(framesOfNotice * speed) : 0)) return newest;
  return Math.max(first, newest + Math.ceil(framesBetween * (moving ? Math.max(1, speed) : 1)));
}
