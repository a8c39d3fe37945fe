import { limits, type TapeNs } from "@tapedeck/protocol";
import { type CacheMiss, type Cut, isCacheMiss, type Pace, type Seq, type Tape } from "../tape.js";

/**
 * Where the next message ends after frame `after`, which must be a cut or the anchor's frame: at the last frame of its cell, up to
 * `last`, and with at most `limits.tradesPerMessage` trades unless a single frame has more. Undefined if there is no frame yet.
 *
 * HOT: once per message. Blocks that lie entirely within the cell are not read: the index is enough.
 */
export function nextCut(tape: Tape, pace: Pace, after: Seq, last: Seq): Cut | CacheMiss | undefined {
  const { index, span } = tape;
  const end = Math.min(last, span.lastSeq);
  let seq = Math.max(after + 1, span.firstSeq);
  if (seq > end) return undefined;
  let block = tape.block(seq);
  if (block === undefined) return { seqToLoad: seq };
  let ns = block.nsOf(seq);
  if (pace.maxFps === 0) return { seq, ns };

  const origin = pace.timeline.playingOf(pace.anchorNs);
  const cell = cellOf(pace, origin, ns);
  let room = limits.tradesPerMessage - block.tradeCountOf(seq);
  for (;;) {
    const blockEnd = Math.min(block.lastSeq, end);
    while (seq < blockEnd) {
      const nextNs = block.nsOf(seq + 1);
      if (cellOf(pace, origin, nextNs) !== cell) return { seq, ns };
      room -= block.tradeCountOf(seq + 1);
      if (room < 0) return { seq, ns };
      seq++;
      ns = nextNs;
    }
    if (seq === end) return { seq, ns };

    let next = index.blockOf(seq + 1);
    while (
      index.lastSeq(next) <= end &&
      index.trades(next) <= room &&
      cellOf(pace, origin, index.lastNs(next)) === cell
    ) {
      room -= index.trades(next);
      seq = index.lastSeq(next);
      ns = index.lastNs(next);
      if (seq === end) return { seq, ns };
      next++;
    }
    // Of a block whose first frames come from another one, the next frames are those of the same block.
    if (index.firstSeq(next) > seq && cellOf(pace, origin, index.firstNs(next)) !== cell) return { seq, ns };
    block = tape.block(seq + 1);
    if (block === undefined) return { seqToLoad: seq + 1 };
  }
}

/**
 * The cell of the grid that a frame lies in; `origin` is the anchor's playing time. Every node must get the same number, so it is
 * computed only here. The product comes first: it is exact for tapes of up to 41 hours, so a frame exactly at a cell's end belongs to
 * that cell.
 */
function cellOf(pace: Pace, origin: number, ns: TapeNs): number {
  return Math.ceil(((pace.timeline.playingOf(ns) - origin) * pace.maxFps) / (pace.speed * 1e9));
}

/** The cuts after frame `after` up to `last`. Waits for blocks as it needs them. */
export async function* cuts(tape: Tape, pace: Pace, after: Seq, last: Seq): AsyncGenerator<Cut, void, undefined> {
  let at = after;
  for (;;) {
    const cut = nextCut(tape, pace, at, last);
    if (cut === undefined) return;
    if (isCacheMiss(cut)) {
      await tape.load(cut.seqToLoad);
    } else {
      yield cut;
      at = cut.seq;
    }
  }
}
