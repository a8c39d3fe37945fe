import { limits } from "@tapedeck/protocol";
import type { Seq, Tape } from "@tapedeck/tape";
import { isUnavailable } from "../subscription/segment-opener.js";

/** What a slow reader still gets of the frames that it missed. */
interface Backlog {
  /** Frames up to this one are dropped, with their trades. */
  readonly skipTo: Seq;
  readonly tradesLeftOut: number;
}

/** Assesses the frames (after, last] that a slow reader missed: it gets their newest `resumeTrades` trades. */
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

/** Consecutive recorded frames up to `seq`, for a `history` message. */
interface RecordedFrames {
  readonly frames: string[];
  readonly seq: Seq;
}

/**
 * The recorded frames after `after` up to `to`: at most 100 of them and about a megabyte. Frames of a damaged block are left
 * out and reported to `onDamage`. Rejects while the tape store or Redis is unavailable.
 */
export async function recordedFrames(
  tape: Tape,
  after: Seq,
  to: Seq,
  onDamage: (error: unknown) => void,
): Promise<RecordedFrames> {
  let seq = Math.max(after, tape.span.firstSeq - 1); // frames that retention removed are skipped
  const last = Math.min(to, seq + limits.historyFrames);
  const frames: string[] = [];
  let bytes = 0;
  while (seq < last && bytes < limits.historyBytes) {
    let block = tape.block(seq + 1);
    if (block === undefined) {
      try {
        block = await tape.load(seq + 1);
      } catch (error) {
        if (isUnavailable(error)) throw error;
        onDamage(error);
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

export function historyMessage(sessionId: string, epoch: number, complete: boolean, frames: readonly string[]): string {
  const id = JSON.stringify(sessionId);
  return `{"type":"history","session_id":${id},"epoch":${epoch},"complete":${complete},"data":[${frames.join(",")}]}`;
}

/** A legacy client gets one history only: the newest frames that fit. */
export function legacyHistoryMessage(sessionId: string, frames: readonly string[]): string {
  const head = '{"type":"history","data":[';
  const tail = `],"session_id":${JSON.stringify(sessionId)}}`;
  let bytes = head.length + tail.length;
  let first = frames.length;
  while (first > 0) {
    bytes += (frames[first - 1]?.length ?? 0) + 1;
    if (bytes > limits.historyBytes) break;
    first--;
  }
  return `${head}${frames.slice(first).join(",")}${tail}`;
}
