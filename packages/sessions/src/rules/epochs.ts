import type { WallMs } from "@tapedeck/protocol";
import type { Seq, TapePosition } from "@tapedeck/tape";
import { type Edge, type Moment, writeLeadMs } from "./commands.js";
import { isMoving, playheadAt, type SeekableTape } from "./playhead.js";
import type { ActionChain, SessionRecord } from "./record.js";

// How the playhead moves, and which moves begin a new epoch: within an epoch, seq only grows.

/** Moves the playhead within the epoch: frames up to `to` count as shown and are not shown again. */
export function anchorAt(session: SessionRecord, to: TapePosition, wallMs: WallMs): SessionRecord {
  return { ...session, anchorWallMs: wallMs, anchorNs: to.ns, anchorSeq: to.seq, publishedSeq: to.seq };
}

/** Moves the playhead and begins a new epoch there. History reaches back no further than what this session has shown. */
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

/** Moves the playhead, and begins a new epoch only if that shows frames again, or times again at which venues have told something. */
export function returnTo(session: SessionRecord, to: TapePosition, { here, now }: Moment): SessionRecord {
  const showsAgain = to.seq < here.seq || (timesAreTold(session) && to.ns < here.ns);
  return showsAgain ? beginEpochAt(session, to, now) : anchorAt(session, to, now);
}

/** Of a session that trades, venues tell what happens by the clock, also between frames and while nothing is rendered: no time comes twice in an epoch. */
export function timesAreTold({ chain }: Pick<SessionRecord, "chain">): boolean {
  return chain !== null;
}

/** Moves to the newest frame of another tape of the same feed. Frames of the old tape are no history of the new one. */
export function switchTape(session: SessionRecord, { tape, at }: Edge, now: WallMs): SessionRecord {
  return { ...beginEpochAt({ ...session, tape, ...wholeTape }, at, now), historyFromSeq: at.seq };
}

export const wholeTape = { fromNs: null, toNs: null, loop: false } as const;

/** Epochs only grow, also across the deletion of an id, since Redis's clock is part of them. */
export function nextEpoch(epoch: number, now: WallMs): number {
  return Math.max(epoch + 1, Math.floor(now));
}

/** How the playhead of an epoch moved until the epoch ended. */
type Course = Pick<SessionRecord, "anchorWallMs" | "anchorNs" | "speed" | "gaps" | "toNs">;

/** An epoch that has ended: frames `first` to `last` of `tape` were shown in it, and what followed until it ended. */
export interface EndedEpoch {
  readonly epoch: number;
  /** `id@version` */
  readonly tape: string;
  readonly first: Seq;
  /** The last frame that was due when the command that ended it was read. */
  readonly last: Seq;
  /** Absent if the playhead stood, or was at the live edge, and in epochs that earlier releases stored. */
  readonly course?: Course | undefined;
  /** The trading actions when it ended; absent without any. */
  readonly chain?: ActionChain | undefined;
  /** When the change that ended it was written: the script adds it. */
  readonly until?: WallMs | undefined;
}

/** The epoch that a change ended with the playhead at `here`; undefined if it ended none that a client could resume. */
export function epochEndedBy(before: SessionRecord, after: SessionRecord, here: TapePosition): EndedEpoch | undefined {
  if (after.epoch === before.epoch || before.tape === "") return undefined;
  const { epoch, tape, epochFromSeq, anchorWallMs, anchorNs, speed, gaps, toNs, chain } = before;
  const last = Math.max(here.seq, before.publishedSeq);
  const ended = { epoch, tape, first: epochFromSeq, last, ...(chain !== null && { chain }) };
  return isMoving(before) && !before.edge ? { ...ended, course: { anchorWallMs, anchorNs, speed, gaps, toNs } } : ended;
}

/** The last frame of an ended epoch that any client can have: until the change was written, frames were shown. */
export async function lastSeqOf(
  { tape: name, last, course, until }: EndedEpoch,
  tape: Pick<SeekableTape, "span" | "timeline" | "seqAt">,
): Promise<Seq> {
  if (course === undefined || until === undefined) return last;
  const playing = { ...course, state: "PLAYING", parked: false, edge: false, lossless: null, tape: name } as const;
  // A node whose clock is ahead shows a frame that much before it is due.
  return Math.max(last, await tape.seqAt(playheadAt(playing, until + writeLeadMs, tape)));
}
