import { isGrowingTape } from "@tapedeck/live";
import { limits } from "@tapedeck/protocol";
import { frameCapOf, type SessionRecord } from "@tapedeck/sessions";
import { cuts, isCacheMiss, nextCut, type Pace, render, renderStretch, type Seq, type Tape } from "@tapedeck/tape";

/** What a session plays between two changes of it: where its frames come from, and how they are cut into messages. */
export interface PlaybackSegment {
  readonly epoch: number;
  readonly record: SessionRecord;
  /** Undefined if the session has none, or it cannot be opened: then clients get only what a ticker publishes. */
  readonly tape: Tape | undefined;
  readonly pace: Pace | undefined;
  /** A step passed the frames (after, upTo]: each is a message of its own, whatever the frame cap. */
  readonly stepped: { readonly after: Seq; readonly upTo: Seq } | undefined;
}

/** A message with the frames after the previous one up to `seq`. */
export interface RenderedMessage {
  readonly seq: Seq;
  readonly text: string;
}

export function segmentOf(
  record: SessionRecord,
  tape: Tape | undefined,
  stepped?: PlaybackSegment["stepped"],
): PlaybackSegment {
  const pace: Pace | undefined = tape && {
    timeline: tape.timeline(record.gaps),
    anchorNs: record.anchorNs,
    speed: record.speed,
    maxFps: frameCapOf(record),
  };
  return { epoch: record.epoch, record, tape, pace, stepped };
}

/**
 * The next message after frame `after`, cut where a ticker would cut it.
 *
 * @returns "missing" if a block is not in memory: call `loadMessage`. Undefined if there is no frame between `after` and `last`
 */
export function nextMessage(segment: PlaybackSegment, after: Seq, last: Seq): RenderedMessage | "missing" | undefined {
  const { tape, pace } = segment;
  if (tape === undefined || pace === undefined || after >= last) return undefined;
  if (after < tape.span.firstSeq - 1) return nextMessage(segment, tape.span.firstSeq - 1, last);
  if (last > tape.span.lastSeq || (isMerged(segment) && last > after + 1)) return "missing";
  const cut = isStepped(segment, after)
    ? { seq: after + 1 }
    : nextCut(tape, pace, after, lastBeforeStep(segment, after, last));
  if (cut === undefined) return undefined;
  if (isCacheMiss(cut)) return "missing";
  const text = renderStretch(tape, after, cut.seq);
  return isCacheMiss(text) ? "missing" : { seq: cut.seq, text };
}

/** Like `nextMessage`, but waits for blocks and for frames that this node has not received yet. Rejects with `DamagedBlock`. */
export async function loadMessage(
  segment: PlaybackSegment,
  sent: Seq,
  goal: Seq,
): Promise<RenderedMessage | undefined> {
  const { tape, pace } = segment;
  if (tape === undefined || pace === undefined) return undefined;
  if (goal > tape.span.lastSeq && isGrowingTape(tape)) await tape.grownTo(goal);
  // Frames that retention removed are skipped, and lost ones will not come.
  const after = Math.max(sent, tape.span.firstSeq - 1);
  const last = Math.min(goal, tape.span.lastSeq);
  if (after >= last) return undefined;
  if (isMerged(segment)) return await loadMerged(tape, after, last);
  if (isStepped(segment, after)) return { seq: after + 1, text: await render(tape, after, after + 1) };
  for await (const { seq } of cuts(tape, pace, after, lastBeforeStep(segment, after, last))) {
    return { seq, text: await render(tape, after, seq) };
  }
  return undefined;
}

/** The frames (after, last] as one message; undefined if a block is not in memory, or if they have too many trades for one message. */
export function mergedInMemory(tape: Tape, after: Seq, last: Seq): string | undefined {
  if (after < tape.span.firstSeq - 1) return undefined;
  let trades = 0;
  for (let seq = after + 1; seq <= last; seq++) {
    trades += tape.block(seq)?.tradeCountOf(seq) ?? Number.POSITIVE_INFINITY;
    if (trades > limits.tradesPerMessage && last > after + 1) return undefined;
  }
  const text = renderStretch(tape, after, last);
  return isCacheMiss(text) ? undefined : text;
}

/** The frames after `after` as one message: up to `last`, or to as many trades as a message may have. */
export async function loadMerged(tape: Tape, after: Seq, last: Seq): Promise<RenderedMessage> {
  let trades = 0;
  let seq = after;
  fill: while (seq < last) {
    const block = tape.block(seq + 1) ?? (await tape.load(seq + 1));
    const end = Math.min(block.lastSeq, last);
    for (; seq < end; seq++) {
      trades += block.tradeCountOf(seq + 1);
      if (trades > limits.tradesPerMessage && seq > after) break fill;
    }
  }
  return { seq, text: await render(tape, after, seq) };
}

/** A client behind the live edge gets everything up to the newest frame in one message, unless the session has no frame cap. */
function isMerged({ record }: PlaybackSegment): boolean {
  return record.edge && record.maxFps > 0;
}

function isStepped({ stepped }: PlaybackSegment, after: Seq): boolean {
  return stepped !== undefined && after >= stepped.after && after < stepped.upTo;
}

/** The frame cap does not merge frames from before a step with those that the step passed. */
function lastBeforeStep({ stepped }: PlaybackSegment, after: Seq, last: Seq): Seq {
  return stepped !== undefined && after < stepped.after ? Math.min(stepped.after, last) : last;
}
