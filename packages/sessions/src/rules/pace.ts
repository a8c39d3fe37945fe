import { type Command, maxSpeed, type Refusal, refuse, type WallMs } from "@tapedeck/protocol";
import type { Seq, TapePosition } from "@tapedeck/tape";
import type { Moment } from "./commands.js";
import { anchorAt } from "./epochs.js";
import { loopRefusal } from "./loop-length.js";
import { type PlaybackPlan, type SeekableTape, wallAt } from "./playhead.js";
import type { Lossless, SessionRecord } from "./record.js";

// Lossless pace: the playhead waits for the session's readers. A reader is a socket that acknowledges frames.
//
// The playhead is the last frame that any reader may have been given: the slowest reader's acknowledged frame plus `window`, within the
// range, and with a bound not ahead of the clock. It is the session's anchor, which `advance.lua` moves without a new revision. So an order
// that is sent now has its place there: nobody has seen a later frame.

/** Changes what moves the playhead, where the playhead is. Frames that were shown are not shown again. */
export function changePace(
  session: SessionRecord,
  { pace, window, speed }: Extract<Command, { type: "pace" }>,
  moment: Moment,
): SessionRecord | Refusal {
  const before = session.lossless;
  if (pace === "clock") {
    if (speed === "max") return refuse("INVALID_VALUE", `${onlyLossless("speed max")} Nothing was changed.`);
    if (window !== undefined) return refuse("INVALID_VALUE", `${onlyLossless("a window")} Nothing was changed.`);
    const next = speed ?? session.speed;
    if (before === null && next === session.speed) return session;
    const tooShort = session.loop ? loopRefusal(moment.timeline, moment.start, moment.end, next) : undefined;
    return tooShort ?? here({ ...session, lossless: null, speed: next }, moment);
  }
  if (session.mode === "LIVE") {
    return refuse(
      "INVALID_VALUE",
      "pace: a live market does not wait; lossless is for REPLAY and SIMULATION. Nothing was changed.",
    );
  }
  const next: Lossless = {
    window: window ?? before?.window ?? 1,
    bounded: speed === undefined ? (before?.bounded ?? false) : speed !== "max",
  };
  const bound = typeof speed === "number" ? speed : session.speed;
  const same = before?.window === next.window && before.bounded === next.bounded && bound === session.speed;
  return same ? session : here({ ...session, lossless: next, speed: bound, parked: false }, moment);
}

function onlyLossless(what: string): string {
  return `pace: ${what} needs pace lossless; the clock has speeds up to ${maxSpeed}.`;
}

function here(session: SessionRecord, moment: Moment): SessionRecord {
  return session.state === "PLAYING" ? anchorAt(session, moment.here, moment.now) : session;
}

/** A place that the playhead may be moved to, and when the clock of a bound stands there. */
export interface PacedPlace extends TapePosition {
  /** Absent without a bound: the time at which it is moved. */
  readonly wallMs?: WallMs;
}

type Plan = PlaybackPlan<SeekableTape>;

/** The last frame that can be played now: the end of the range or of the tape, or what there is of a growing tape. */
export function lastPlayable({ last, tape }: Pick<Plan, "last" | "tape">): Seq {
  return Math.min(last, tape.span.lastSeq);
}

/** How far a reader that has acknowledged a frame lets the playhead go. Rejects as `tape.nsOf` does. */
export async function reachOf(acked: Seq, plan: Plan): Promise<PacedPlace> {
  const { anchorSeq, lossless } = plan.record;
  return placeOf(Math.max(anchorSeq, Math.min(acked + (lossless?.window ?? 1), lastPlayable(plan))), plan);
}

/** How far the playhead may go at all: to the end, and with a bound no further than its clock. */
export async function boundAt(plan: Plan, now: WallMs): Promise<PacedPlace> {
  const { record, tape, pace } = plan;
  const last = lastPlayable(plan);
  // Readers reach no further, and their reach has the frame's time.
  if (!record.lossless?.bounded)
    return { seq: Math.max(Math.min(last, Number.MAX_SAFE_INTEGER), record.anchorSeq), ns: 0 };
  const elapsed = Math.max(0, now - record.anchorWallMs) * 1e6 * record.speed;
  const ns = Math.floor(pace.timeline.tapeOf(pace.timeline.playingOf(record.anchorNs) + elapsed));
  const seq = Math.max(record.anchorSeq, Math.min(await tape.seqAt(ns), last));
  return placeOf(seq, plan);
}

/** When the next frame is due by the clock of a bound; undefined at the end of what there is. */
export async function nextDueMs(plan: Plan, at: Seq): Promise<WallMs | undefined> {
  if (at >= lastPlayable(plan)) return undefined;
  return wallAt(plan.record, await plan.tape.nsOf(at + 1), plan.pace.timeline);
}

/** A frame at its own time, never before the anchor, which may lie between two frames. */
async function placeOf(seq: Seq, { record, tape, pace }: Plan): Promise<PacedPlace> {
  const { anchorSeq, anchorNs, lossless } = record;
  const ns = seq <= anchorSeq ? anchorNs : Math.max(anchorNs, await tape.nsOf(seq));
  return { seq: Math.max(seq, anchorSeq), ns, ...(lossless?.bounded && { wallMs: wallAt(record, ns, pace.timeline) }) };
}

/** The session after its playhead was moved to a place. */
export function movedTo(session: SessionRecord, { seq, ns, wallMs = session.anchorWallMs }: PacedPlace): SessionRecord {
  return { ...session, anchorSeq: seq, anchorNs: ns, anchorWallMs: wallMs, publishedSeq: seq };
}
