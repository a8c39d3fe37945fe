import { isGrowingTape } from "@tapedeck/live";
import type { SessionRecord } from "@tapedeck/sessions";
import { cuts, isMissing, nextCut, type Pace, render, renderStretch, type Seq, type Tape } from "@tapedeck/tape";
import { mergedMessage } from "./catch-up.js";

/** A stretch of a session's life between two changes of it: what its frames are and where its messages are cut. */
export interface Leg {
  readonly epoch: number;
  readonly record: SessionRecord;
  /** Undefined where the session has none, or it cannot be opened: then frames come through the channel alone. */
  readonly tape: Tape | undefined;
  readonly pace: Pace | undefined;
  /** Frames (after, upTo] were passed by a step: each is shown by itself, whatever the frame rate. */
  readonly stepped: { readonly after: Seq; readonly upTo: Seq } | undefined;
}

/** A message to be sent: the frames (after, seq] as one. */
export interface Rendered {
  readonly seq: Seq;
  readonly text: string;
}

export function legOf(record: SessionRecord, tape: Tape | undefined, stepped?: Leg["stepped"]): Leg {
  const pace: Pace | undefined = tape && {
    timeline: tape.timeline(record.gaps),
    anchorNs: record.anchorNs,
    speed: record.speed,
    maxFps: record.maxFps,
  };
  return { epoch: record.epoch, record, tape, pace, stepped };
}

/**
 * The next message after frame `after`, cut where the ticker would cut it. `missing`: a block of it is not in memory, so
 * `loadMessage` has to be asked. Undefined: nothing lies between `after` and `last`.
 */
export function nextMessage(leg: Leg, after: Seq, last: Seq): Rendered | "missing" | undefined {
  const { tape, pace } = leg;
  if (tape === undefined || pace === undefined || after >= last) return undefined;
  if (after < tape.span.firstSeq - 1) return nextMessage(leg, tape.span.firstSeq - 1, last);
  if (last > tape.span.lastSeq || (isMerged(leg) && last > after + 1)) return "missing";
  const cut = isStepped(leg, after) ? { seq: after + 1 } : nextCut(tape, pace, after, endOfCells(leg, after, last));
  if (cut === undefined) return undefined;
  if (isMissing(cut)) return "missing";
  const text = renderStretch(tape, after, cut.seq);
  return isMissing(text) ? "missing" : { seq: cut.seq, text };
}

/** As `nextMessage`, waiting for blocks, and for a tape that has grown elsewhere already. Rejects with `DamagedBlock`. */
export async function loadMessage(leg: Leg, shown: Seq, goal: Seq): Promise<Rendered | undefined> {
  const { tape, pace } = leg;
  if (tape === undefined || pace === undefined) return undefined;
  if (goal > tape.span.lastSeq && isGrowingTape(tape)) await tape.grownTo(goal);
  // What retention has taken away is passed over, and what is lost does not come any more.
  const after = Math.max(shown, tape.span.firstSeq - 1);
  const last = Math.min(goal, tape.span.lastSeq);
  if (after >= last) return undefined;
  if (isMerged(leg)) return await mergedMessage(tape, after, last);
  if (isStepped(leg, after)) return { seq: after + 1, text: await render(tape, after, after + 1) };
  for await (const { seq } of cuts(tape, pace, after, endOfCells(leg, after, last))) {
    return { seq, text: await render(tape, after, seq) };
  }
  return undefined;
}

/** At the edge one who is behind gets everything up to the newest frame at once, unless it wants every frame. */
function isMerged({ record }: Leg): boolean {
  return record.edge && record.maxFps > 0;
}

function isStepped({ stepped }: Leg, after: Seq): boolean {
  return stepped !== undefined && after >= stepped.after && after < stepped.upTo;
}

/** Frames that a step passed are in no cell. */
function endOfCells({ stepped }: Leg, after: Seq, last: Seq): Seq {
  return stepped !== undefined && after < stepped.after ? Math.min(stepped.after, last) : last;
}
