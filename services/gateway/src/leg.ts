import type { SessionRecord } from "@tapedeck/sessions";
import { cuts, isMissing, nextCut, type Pace, render, renderStretch, type Seq, type Tape } from "@tapedeck/tape";

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
  const cut = isStepped(leg, after) ? { seq: after + 1 } : nextCut(tape, pace, after, endOfCells(leg, after, last));
  if (cut === undefined) return undefined;
  if (isMissing(cut)) return "missing";
  const text = renderStretch(tape, after, cut.seq);
  return isMissing(text) ? "missing" : { seq: cut.seq, text };
}

/** As `nextMessage`, waiting for blocks. Rejects with `DamagedBlock`. */
export async function loadMessage(leg: Leg, after: Seq, last: Seq): Promise<Rendered | undefined> {
  const { tape, pace } = leg;
  if (tape === undefined || pace === undefined || after >= last) return undefined;
  if (isStepped(leg, after)) return { seq: after + 1, text: await render(tape, after, after + 1) };
  for await (const { seq } of cuts(tape, pace, after, endOfCells(leg, after, last))) {
    return { seq, text: await render(tape, after, seq) };
  }
  return undefined;
}

function isStepped({ stepped }: Leg, after: Seq): boolean {
  return stepped !== undefined && after >= stepped.after && after < stepped.upTo;
}

/** Frames that a step passed are in no cell. */
function endOfCells({ stepped }: Leg, after: Seq, last: Seq): Seq {
  return stepped !== undefined && after < stepped.after ? Math.min(stepped.after, last) : last;
}
