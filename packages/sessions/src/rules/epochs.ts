import type { WallMs } from "@tapedeck/protocol";
import type { TapePosition } from "@tapedeck/tape";
import type { Edge, Moment } from "./commands.js";
import type { SessionRecord } from "./record.js";

/** Puts the playhead somewhere within the epoch: frames up to there are shown, none is shown again. */
export function anchorAt(session: SessionRecord, to: TapePosition, wallMs: WallMs): SessionRecord {
  return { ...session, anchorWallMs: wallMs, anchorNs: to.ns, anchorSeq: to.seq, publishedSeq: to.seq };
}

/** Puts it there in a new epoch, and lets history reach back no further than what this session has been shown. */
export function beginEpochAt(
  session: SessionRecord,
  to: TapePosition,
  now: WallMs,
  wallMs: WallMs = now,
): SessionRecord {
  return {
    ...anchorAt(session, to, wallMs),
    epoch: nextEpoch(session.epoch, now),
    epochFromSeq: to.seq,
    orderSeq: null,
    historyFromSeq: Math.min(session.historyFromSeq, to.seq),
  };
}

/** Goes to a place that the deck falls back to: a new epoch only where that takes frames back. */
export function returnTo(session: SessionRecord, to: TapePosition, { here, now }: Moment): SessionRecord {
  return to.seq < here.seq ? beginEpochAt(session, to, now) : anchorAt(session, to, now);
}

/** Puts it at the newest frame of another tape of its feed. What it was shown before is no history of this one. */
export function switchTape(session: SessionRecord, { tape, at }: Edge, now: WallMs): SessionRecord {
  return { ...beginEpochAt({ ...session, tape, ...wholeTape }, at, now), historyFromSeq: at.seq };
}

const wholeTape = { fromNs: null, toNs: null, loop: false };

/** Epochs only grow, also across the deletion of an id, since Redis's clock is part of them. */
export function nextEpoch(epoch: number, now: WallMs): number {
  return Math.max(epoch + 1, Math.floor(now));
}

export function playing(session: SessionRecord): SessionRecord {
  return { ...session, state: "PLAYING", reason: "" };
}

/**
 * Plays whatever the market brings. Slower than the market nobody stays there, nor before the end of a range, and the clock
 * does not stand there, since it costs nobody anything.
 */
export function followEdge(session: SessionRecord): SessionRecord {
  const speed = Math.max(1, session.speed);
  return { ...playing(session), ...wholeTape, speed, parked: false, edge: true };
}

export function paused(session: SessionRecord): SessionRecord {
  return { ...session, state: "PAUSED", reason: "", parked: false, edge: false };
}

export function stopped(session: SessionRecord, reason: "start" | "stop" | "ended"): SessionRecord {
  return { ...session, state: "STOPPED", reason, parked: false, edge: false };
}
