import type { TapeNs, WallMs } from "@tapedeck/protocol";
import type { Pace, Seq, Tape, TapePosition, TapeSpan, Timeline } from "@tapedeck/tape";
import type { SessionRecord } from "./record.js";

const nsPerMs = 1e6;

/** What the playhead's arithmetic needs of a tape: no I/O. */
type Playable = Pick<Tape, "span" | "timeline">;

/** What the rules need of a tape: its extent, times and events, never a frame. */
export type SeekableTape = Playable &
  Pick<Tape, "id" | "startNs" | "iso" | "seqAt" | "nsOf" | "eventHorizonNs" | "findEvent">;

/** What of a session says where its playhead is. */
type Playhead = Pick<
  SessionRecord,
  "state" | "parked" | "tape" | "edge" | "anchorWallMs" | "anchorNs" | "speed" | "gaps" | "toNs" | "lossless"
>;

/** Whether the playhead is a function of the clock; otherwise it stays at the anchor. */
export function isMoving(record: Pick<SessionRecord, "state" | "parked" | "tape" | "lossless">): boolean {
  return isPlaying(record) && record.lossless === null;
}

/** Whether the playhead moves on by what readers acknowledge. */
export function isPaced(record: Pick<SessionRecord, "state" | "parked" | "tape" | "lossless">): boolean {
  return isPlaying(record) && record.lossless !== null;
}

function isPlaying({ state, parked, tape }: Pick<SessionRecord, "state" | "parked" | "tape">): boolean {
  return state === "PLAYING" && !parked && tape !== "";
}

/** The frame cap of what is published. In lossless pace it only holds for sockets that do not acknowledge. */
export function frameCapOf({ maxFps, lossless }: Pick<SessionRecord, "maxFps" | "lossless">): number {
  return lossless === null ? maxFps : 0;
}

/** Tape time at which playing ends: the range's end or the tape's, whichever comes first. */
export function endNsOf({ toNs }: Pick<SessionRecord, "toNs">, { firstNs, lastNs }: TapeSpan): TapeNs {
  return toNs === null ? lastNs : Math.max(firstNs, Math.min(toNs, lastNs));
}

/** Where the playhead is at `now`: never before its anchor, never outside range or tape, and after what retention has trimmed. */
export function playheadAt(record: Playhead, now: WallMs, tape: Playable): TapeNs {
  const { firstNs } = tape.span;
  if (!isMoving(record)) return Math.max(record.anchorNs, firstNs);
  const end = endNsOf(record, tape.span);
  if (record.edge) return end;
  const timeline = tape.timeline(record.gaps);
  const elapsed = Math.max(0, now - record.anchorWallMs) * nsPerMs * record.speed;
  const ns = Math.floor(timeline.tapeOf(timeline.playingOf(record.anchorNs) + elapsed));
  return Math.min(Math.max(ns, record.anchorNs, firstNs), end);
}

/** When a moving playhead reaches `ns`: the inverse of `playheadAt`, before clamping. */
export function wallAt(record: SessionRecord, ns: TapeNs, timeline: Timeline): WallMs {
  const ahead = timeline.playingOf(ns) - timeline.playingOf(record.anchorNs);
  return record.anchorWallMs + ahead / (record.speed * nsPerMs);
}

/** Wall time that a stretch of tape takes at a speed, in ms. */
export function wallMsBetween(timeline: Timeline, from: TapeNs, to: TapeNs, speed: number): number {
  return (timeline.playingOf(to) - timeline.playingOf(from)) / (speed * nsPerMs);
}

/** Playhead and the frame under it. The frame is never before the anchor's, so that equal times keep their order. */
export async function positionAt(
  record: SessionRecord,
  now: WallMs,
  tape: Pick<SeekableTape, "span" | "timeline" | "seqAt">,
): Promise<TapePosition> {
  const { firstSeq, firstNs, lastSeq, lastNs } = tape.span;
  if (record.edge && isMoving(record)) return { seq: lastSeq, ns: lastNs };
  if (!isMoving(record)) {
    const { anchorSeq: seq, anchorNs: ns } = record;
    return seq < firstSeq ? { seq: firstSeq, ns: firstNs } : { seq, ns };
  }
  const ns = playheadAt(record, now, tape);
  return { seq: Math.max(record.anchorSeq, await tape.seqAt(ns)), ns };
}

/** What is played of a tape and how, until the session changes. Every node that renders the session derives the same plan. */
export interface PlaybackPlan<T extends SeekableTape = Tape> {
  readonly record: SessionRecord;
  readonly tape: T;
  readonly pace: Pace;
  /** Last frame to be played, and the tape time at which playing ends; Infinity: as far as a growing tape goes. */
  readonly last: Seq;
  readonly endNs: TapeNs;
}

/** Rejects as `tape.seqAt` does, which the end of a range needs. */
export async function planPlayback<T extends SeekableTape>(record: SessionRecord, tape: T): Promise<PlaybackPlan<T>> {
  const { anchorNs, speed } = record;
  const pace = { timeline: tape.timeline(record.gaps), anchorNs, speed, maxFps: frameCapOf(record) };
  if (tape.span.growing && record.toNs === null) return { record, tape, pace, last: Infinity, endNs: Infinity };
  const { lastNs, lastSeq } = tape.span;
  const endNs = endNsOf(record, tape.span);
  return { record, tape, pace, last: endNs === lastNs ? lastSeq : await tape.seqAt(endNs), endNs };
}

/** When what is played reaches its end, on Redis's clock; on a growing tape, the end of what there is. */
export function endsAt({ record, tape, pace, endNs }: PlaybackPlan): WallMs {
  return wallAt(record, Math.min(endNs, tape.span.lastNs), pace.timeline);
}

/** Whether the end of what is played moves as the tape grows. */
export function willGrow({ toNs }: Pick<SessionRecord, "toNs">, { span }: Pick<Tape, "span">): boolean {
  return span.growing && (toNs === null || toNs > span.lastNs);
}
