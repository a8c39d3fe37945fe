import type { WallMs } from "@tapedeck/protocol";
import type { Position } from "@tapedeck/tape";
import type { Moment } from "./instruction.js";
import type { SessionRecord } from "./record.js";

/** Puts the playhead somewhere within the epoch: frames up to there are shown, none is shown again. */
export function anchoredAt(session: SessionRecord, to: Position, wallMs: WallMs): SessionRecord {
  return { ...session, anchorWallMs: wallMs, anchorNs: to.ns, anchorSeq: to.seq, publishedSeq: to.seq };
}

/** Puts it there in a new epoch, and lets history reach back no further than what this session has been shown. */
export function jumpedTo(session: SessionRecord, to: Position, now: WallMs, wallMs: WallMs = now): SessionRecord {
  return {
    ...anchoredAt(session, to, wallMs),
    epoch: nextEpoch(session.epoch, now),
    epochFromSeq: to.seq,
    orderSeq: null,
    historyFromSeq: Math.min(session.historyFromSeq, to.seq),
  };
}

/** Goes to a place that the deck falls back to: a new epoch only where that takes frames back. */
export function returnedTo(session: SessionRecord, to: Position, { here, now }: Moment): SessionRecord {
  return to.seq < here.seq ? jumpedTo(session, to, now) : anchoredAt(session, to, now);
}

/** Epochs only grow, also across the deletion of an id, since Redis's clock is part of them. */
export function nextEpoch(epoch: number, now: WallMs): number {
  return Math.max(epoch + 1, Math.floor(now));
}

export function playing(session: SessionRecord): SessionRecord {
  return { ...session, state: "PLAYING", reason: "" };
}

export function paused(session: SessionRecord): SessionRecord {
  return { ...session, state: "PAUSED", reason: "", parked: false, edge: false };
}

export function stopped(session: SessionRecord, reason: "start" | "stop" | "ended"): SessionRecord {
  return { ...session, state: "STOPPED", reason, parked: false, edge: false };
}
