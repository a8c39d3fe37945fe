import { limits } from "@tapedeck/protocol";
import { isMissing, render, renderStretch, type Seq, type Tape } from "@tapedeck/tape";
import type { Rendered } from "./leg.js";
import { isPassing } from "./passing.js";

/** The part of a backlog that a slow reader still gets. */
export interface Backlog {
  /** Frames up to this one are skipped, trades and all. */
  readonly skipTo: Seq;
  readonly tradesLeftOut: number;
}

/** Looks at the frames (after, last] that a slow reader missed: the newest `resumeTrades` trades of them are kept. */
export async function assessBacklog(tape: Tape, after: Seq, last: Seq): Promise<Backlog> {
  let skipTo = after;
  let kept = 0;
  let tradesLeftOut = 0;
  for (let seq = last; seq > after; ) {
    const block = tape.block(seq) ?? (await tape.load(seq));
    const first = Math.max(block.firstSeq, after + 1);
    for (; seq >= first; seq--) {
      const trades = block.tradeCountOf(seq);
      if (skipTo === after && kept + trades > limits.resumeTrades) skipTo = seq;
      if (skipTo === after) kept += trades;
      else tradesLeftOut += trades;
    }
  }
  return { skipTo, tradesLeftOut };
}

/** The frames (after, last] as one message; undefined where a block is not in memory, or they are too much for one. */
export function mergedAtOnce(tape: Tape, after: Seq, last: Seq): string | undefined {
  if (after < tape.span.firstSeq - 1) return undefined;
  let trades = 0;
  for (let seq = after + 1; seq <= last; seq++) {
    trades += tape.block(seq)?.tradeCountOf(seq) ?? Number.POSITIVE_INFINITY;
    if (trades > limits.tradesPerMessage && last > after + 1) return undefined;
  }
  const text = renderStretch(tape, after, last);
  return isMissing(text) ? undefined : text;
}

/** The frames after `after` as one message, up to `last` or to as many trades as a message may have. */
export async function mergedMessage(tape: Tape, after: Seq, last: Seq): Promise<Rendered> {
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

/** Recorded frames, one after the other, for a `history` message. */
export interface Chunk {
  readonly frames: string[];
  readonly seq: Seq;
}

/**
 * The recorded frames after `after` up to `to`: at most 100 of them and about a megabyte.
 * A damaged block's frames are left out, and `damaged` is told. Rejects while the tape store or Redis is away.
 */
export async function recordedFrames(
  tape: Tape,
  after: Seq,
  to: Seq,
  damaged: (error: unknown) => void,
): Promise<Chunk> {
  let seq = Math.max(after, tape.span.firstSeq - 1); // what retention has taken away is passed over
  const last = Math.min(to, seq + limits.historyFrames);
  const frames: string[] = [];
  let bytes = 0;
  while (seq < last && bytes < limits.historyBytes) {
    let block = tape.block(seq + 1);
    if (block === undefined) {
      try {
        block = await tape.load(seq + 1);
      } catch (error) {
        if (isPassing(error)) throw error;
        damaged(error);
        seq = Math.min(last, tape.index.lastSeq(tape.index.blockOf(seq + 1)));
        continue;
      }
    }
    const end = Math.min(block.lastSeq, last);
    for (; seq < end && bytes < limits.historyBytes; seq++) {
      const frame = block.json(seq + 1);
      frames.push(frame);
      bytes += frame.length + 1;
    }
  }
  return { frames, seq };
}

/** How many trades the frames (after, last] have. */
export async function countTrades(tape: Tape, after: Seq, last: Seq): Promise<number> {
  let trades = 0;
  for (let seq = after + 1; seq <= last; ) {
    const block = tape.block(seq) ?? (await tape.load(seq));
    const end = Math.min(block.lastSeq, last);
    for (; seq <= end; seq++) trades += block.tradeCountOf(seq);
  }
  return trades;
}
