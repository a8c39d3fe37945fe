import { RefusedError, type TapeNs, type WallMs } from "@tapedeck/protocol";
import type { TapePosition } from "@tapedeck/tape";
import type { Tapes } from "./choose-mode.js";
import { type Moment, momentWithoutTape } from "./commands.js";
import { endNsOf, positionAt, type SeekableTape } from "./playhead.js";
import type { SessionRecord } from "./record.js";

export type Range = Pick<SessionRecord, "fromNs" | "toNs">;

/** A growing tape as it is now, so that all positions found on it agree on where it ends. */
export function frozenTape(tape: SeekableTape): SeekableTape {
  const { firstSeq, lastSeq, firstNs, lastNs, growing } = tape.span;
  if (!growing) return tape;
  return {
    id: tape.id,
    startNs: tape.startNs,
    span: { firstSeq, lastSeq, firstNs, lastNs, growing },
    timeline: (policy) => tape.timeline(policy),
    iso: (ns) => tape.iso(ns),
    seqAt: async (ns) => Math.min(await tape.seqAt(ns), lastSeq),
    nsOf: (seq) => tape.nsOf(seq),
    eventHorizonNs: tape.eventHorizonNs,
    findEvent: (from, direction, filter, signal) => tape.findEvent(from, direction, filter, signal),
  };
}

/** A session's positions on its tape at a moment. */
export async function momentOnTape(opened: SeekableTape, session: SessionRecord, now: WallMs): Promise<Moment> {
  const tape = frozenTape(opened);
  const [here, start, end] = await Promise.all([
    positionAt(session, now, tape),
    startOfRange(session, tape),
    endOfRange(session, tape),
  ]);
  const growing = tape.span.growing && end.seq === tape.span.lastSeq;
  return { now, here, start, end, timeline: tape.timeline(session.gaps), growing };
}

/** The moment at which a session leaves its tape. It can leave a tape that is deleted or damaged, too. */
export async function momentOrLost(session: SessionRecord, now: WallMs, tapes: Tapes): Promise<Moment> {
  if (session.tape === "") return momentWithoutTape(now);
  try {
    return await momentOnTape(await tapes.open(session.tape), session, now);
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    return momentWithLostTape(session, now);
  }
}

/** The moment of a session whose tape cannot be read: its playhead is at the last published frame. */
export function momentWithLostTape({ publishedSeq, anchorNs }: SessionRecord, now: WallMs): Moment {
  return { ...momentWithoutTape(now), here: { seq: publishedSeq, ns: anchorNs } };
}

/** The first frame of a range: the one at `from`, or the next after it. After the range's end if it has no frame. */
export async function startOfRange({ fromNs }: Pick<Range, "fromNs">, tape: SeekableTape): Promise<TapePosition> {
  const { firstSeq, firstNs } = tape.span;
  if (fromNs === null || fromNs <= firstNs) return { seq: firstSeq, ns: firstNs };
  const seq = (await tape.seqAt(fromNs - 1)) + 1;
  if (seq > tape.span.lastSeq) return { seq, ns: Number.POSITIVE_INFINITY };
  return { seq, ns: await tape.nsOf(seq) };
}

/** The last frame of a range, with the time at which playing ends, which may be after that frame's own. */
export async function endOfRange(range: Pick<Range, "toNs">, tape: SeekableTape): Promise<TapePosition> {
  const ns = endNsOf(range, tape.span);
  return ns === tape.span.lastNs ? { seq: tape.span.lastSeq, ns } : { seq: await tape.seqAt(ns), ns };
}

/** A position by time, clamped to the range: the frame is the last one at or before it. */
export async function placeAtTime(ns: TapeNs, { start, end }: Moment, tape: SeekableTape): Promise<TapePosition> {
  if (ns <= start.ns) return start;
  if (ns >= end.ns) return end;
  return { seq: await tape.seqAt(ns), ns };
}

/** A position by frame, clamped to the range. */
export async function placeAtSeq(seq: number, { start, end }: Moment, tape: SeekableTape): Promise<TapePosition> {
  if (seq <= start.seq) return start;
  const within = Math.min(seq, end.seq);
  return { seq: within, ns: await tape.nsOf(within) };
}
