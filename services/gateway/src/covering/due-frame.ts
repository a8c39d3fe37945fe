import type { WallMs } from "@tapedeck/protocol";
import type { Logger } from "@tapedeck/runtime";
import { needsTicker, planPlayback, playheadAt, type SessionRecord, wallAt } from "@tapedeck/sessions";
import { isCacheMiss, nextCut, type Pace, type Seq, type Tape } from "@tapedeck/tape";
import type { PlaybackSegment } from "../subscription/playback-segment.js";

/** What was due longer ago has to wait for a ticker, which may begin again from there. */
export const behindMs = 10_000;

/**
 * The last frame after `after` that the ticker of a playing session has published by `now`, if it keeps its times: the end of a message, so that
 * the ticker's next one continues there. `after` itself if there is none, if more than 10 s are missing, or if the tape cannot be read.
 *
 * Redis says every 2.5 s how far a session has come, and what was published since, before a node listened, is not heard again. It follows from the
 * clock: when Redis said that the session plays, all was due up to its playhead. A pause that leaves the playhead earlier would have been found (see [G112]).
 *
 * @param now Redis's clock when the record was read
 */
export async function dueFrame(
  record: SessionRecord,
  segment: PlaybackSegment | Promise<PlaybackSegment>,
  after: Seq,
  now: WallMs,
  log: Logger,
): Promise<Seq> {
  if (!needsTicker(record)) return after;
  try {
    const { tape } = await segment;
    return tape === undefined ? after : await lastDueCut(record, tape, after, now);
  } catch (error) {
    log.debug({ err: error }, "the session's place by the clock is not known: its next frame tells it");
    return after;
  }
}

async function lastDueCut(record: SessionRecord, tape: Tape, after: Seq, now: WallMs): Promise<Seq> {
  const { pace, last } = await planPlayback(record, tape);
  if (after + 1 < tape.span.firstSeq) return after; // retention has removed it
  const playheadNs = playheadAt(record, now, tape);
  let due = after;
  let at = Math.max(after, (await tape.seqAt(nsBefore(pace, playheadNs))) - 1);
  if (at > after && now - wallAt(record, await tape.nsOf(after + 1), pace.timeline) > behindMs) return after;
  for (;;) {
    const cut = nextCut(tape, pace, at, last);
    if (isCacheMiss(cut)) await tape.load(cut.seqToLoad);
    else if (cut === undefined || cut.ns > playheadNs) return due;
    else due = at = cut.seq;
  }
}

/** A tape time at least one cell of the grid earlier: the last message that is due ends after it, if it has more than one frame. */
function nsBefore({ timeline, speed, maxFps, anchorNs }: Pace, ns: number): number {
  if (maxFps === 0) return ns;
  const cells = 2 * (speed / maxFps) * 1e9;
  return Math.max(
    anchorNs,
    Math.floor(timeline.tapeOf(Math.max(timeline.playingOf(anchorNs), timeline.playingOf(ns) - cells))),
  );
}
