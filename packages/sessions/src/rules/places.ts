import type { TapeNs, WallMs } from "@tapedeck/protocol";
import type { TapePosition } from "@tapedeck/tape";
import type { Moment } from "./commands.js";
import { endNsOf, positionAt, type SeekableTape } from "./playhead.js";
import type { SessionRecord } from "./record.js";

export type Range = Pick<SessionRecord, "fromNs" | "toNs">;

/** A growing tape as it is at this moment, so that all that is found on it agrees on where it ends. */
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

/** The places of a session on its tape at a moment. */
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

/** The first frame of a range: the one at `from`, or the next after it. Beyond the range's end if no frame lies in it. */
export async function startOfRange({ fromNs }: Pick<Range, "fromNs">, tape: SeekableTape): Promise<TapePosition> {
  const { firstSeq, firstNs } = tape.span;
  if (fromNs === null || fromNs <= firstNs) return { seq: firstSeq, ns: firstNs };
  const seq = (await tape.seqAt(fromNs - 1)) + 1;
  if (seq > tape.span.lastSeq) return { seq, ns: Number.POSITIVE_INFINITY };
  return { seq, ns: await tape.nsOf(seq) };
}

/** The last frame of a range; its time is the one at which playing ends, which may lie after that frame's own. */
export async function endOfRange(range: Pick<Range, "toNs">, tape: SeekableTape): Promise<TapePosition> {
  const ns = endNsOf(range, tape.span);
  return ns === tape.span.lastNs ? { seq: tape.span.lastSeq, ns } : { seq: await tape.seqAt(ns), ns };
}

/** A place by its time, kept within the range: the frame is the last one at or before it. */
export async function placeAtTime(ns: TapeNs, { start, end }: Moment, tape: SeekableTape): Promise<TapePosition> {
  if (ns <= start.ns) return start;
  if (ns >= end.ns) return end;
  return { seq: await tape.seqAt(ns), ns };
}

/** A place by its frame, kept within the range. */
export async function placeAtSeq(seq: number, { start, end }: Moment, tape: SeekableTape): Promise<TapePosition> {
  if (seq <= start.seq) return start;
  const within = Math.min(seq, end.seq);
  return { seq: within, ns: await tape.nsOf(within) };
}
