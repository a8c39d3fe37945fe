import type { TapeNs, WallMs } from "@tapedeck/protocol";
import { isMoving, playheadAt, type SessionRecord, wallAt, writeLeadMs } from "@tapedeck/sessions";
import type { Tape } from "@tapedeck/tape";

/** Where on the tape an action is sent. */
export interface Placement {
  readonly ns: TapeNs;
  /** Redis's time by which it must be written; undefined: any time, since no frame can come before. */
  readonly by: WallMs | undefined;
}

/** How far ahead of the playhead an action is sent, in wall time: until then it is written, and every node has heard of it. */
const aheadMs = 10;

/**
 * At the live edge, frames have the venue's times, and come when they come. So far ahead of the market none is shown before the action is
 * known everywhere, as long as frames come that much apart from their times at most.
 */
const edgeAheadMs = 100;

/**
 * The place of an action that is written now: where the playhead will be in a moment, before any frame that a node may have shown already. While
 * the playhead stands, it is its place. Never before an earlier action.
 */
export function placementOf(session: SessionRecord, tape: Tape, now: WallMs, laterMs: number): Placement {
  const earliest = session.chain?.ns ?? -1;
  const not = (ns: TapeNs) => Math.max(ns, earliest, 0);
  if (!isMoving(session)) return { ns: not(session.anchorNs), by: undefined };
  const wall = now + aheadMs + laterMs;
  if (session.edge) {
    const edgeNs = tape.edgeNs ?? tape.span.lastNs;
    return { ns: not(Math.ceil(edgeNs + (edgeAheadMs + laterMs) * 1e6)), by: wall };
  }
  const ns = not(playheadAt(session, wall, tape));
  return { ns, by: wallAt(session, ns, tape.timeline(session.gaps)) - writeLeadMs };
}
