import type { Seq } from "@tapedeck/tape";
import { decodeEntry } from "../track/track-entry.js";
import type { TrackPart } from "../track/track-parts.js";
import { ColumnsBuilder, type EventColumns, type WholeBook } from "./event-columns.js";

/** Lines of a part that are decoded and cached together: a joined part has a quarter of an hour, and most readers want a moment of it. */
export interface PartChunk {
  /** In the cache. */
  readonly key: number;
  readonly firstN: number;
  readonly nextN: number;
  readonly lastSeq: Seq;
  /** Bytes of the part's text. */
  readonly start: number;
  readonly end: number;
  readonly wholeBooks: readonly Pick<WholeBook, "n" | "seq">[];
}

/** Some thousand level changes: a few milliseconds to decode. */
const chunkBytes = 1 << 18;
const newline = 10;
const quote = 34;
const timeMark = ',"t":"';
const head = /^\{"n":(\d+),"seq":(\d+),(?:("full":1,)|"h":\d+,"t":"-?\d+","r":"-?\d+",("s":"applied","w":1,)?)?/;
const derived = /^\{"n":\d+,"seq":\d+,"side":/;
/** More than what `head` looks at. */
const headBytes = 240;
/** What lines with a whole book have, and no others: a text in a line has its quotes escaped. */
const marks = [',"w":1,', ',"full":1,'];

/** Finds the chunks of a part's text, of which it decodes only the beginnings of some lines. Throws if they are not what was written. */
export function chunksOf(part: TrackPart, text: Buffer, newKey: () => number): PartChunk[] {
  const wholeBooks = wholeBooksOf(text);
  const starts: number[] = [];
  if (text.length === 0) throw new SyntaxError("it is empty");
  for (let start = 0; start < text.length; start = chunkEnd(text, start)) starts.push(start);
  return starts.map((start, at) => {
    const next = starts[at + 1];
    const end = next ?? text.length;
    const last = headOf(text, text.lastIndexOf(newline, end - 2) + 1);
    return {
      ...{ key: newKey(), start, end, lastSeq: last.seq },
      firstN: headOf(text, start).n,
      nextN: next === undefined ? part.nextN : headOf(text, next).n,
      wholeBooks: wholeBooks.filter(({ at }) => at >= start && at < end),
    };
  });
}

/** Levels that a message made obsolete follow it, and have its times: they stay together. */
function chunkEnd(text: Buffer, start: number): number {
  const lineEnd = (from: number) => {
    const end = text.indexOf(newline, from);
    return end < 0 ? text.length : end + 1;
  };
  let end = lineEnd(Math.min(start + chunkBytes, text.length));
  while (end < text.length && derived.test(text.toString("latin1", end, end + headBytes))) end = lineEnd(end);
  return end;
}

function wholeBooksOf(text: Buffer): (Pick<WholeBook, "n" | "seq"> & { readonly at: number })[] {
  const found = [];
  for (const mark of marks) {
    for (let at = text.indexOf(mark); at >= 0; at = text.indexOf(mark, at + mark.length)) {
      const line = text.lastIndexOf(newline, at) + 1;
      const { n, seq, full, applied } = headOf(text, line);
      if (full || applied) found.push({ n: full ? n - 1 : n, seq, at: line });
    }
  }
  return found.sort((a, b) => a.at - b.at);
}

function headOf(text: Buffer, at: number) {
  const [, n, seq, full, applied] = head.exec(text.toString("latin1", at, at + headBytes)) ?? [];
  if (n === undefined) throw new SyntaxError(`the line at byte ${at} is no event`);
  return { n: Number(n), seq: Number(seq), full: full !== undefined, applied: applied !== undefined };
}

/** Whether a message in a chunk is at or after a time by the venue's clock. Costs a tenth of decoding it. */
export function reachesTime(text: Buffer, { start, end }: PartChunk, ts: bigint): boolean {
  for (let at = text.indexOf(timeMark, start); at >= 0 && at < end; at = text.indexOf(timeMark, at)) {
    at += timeMark.length;
    if (BigInt(text.toString("latin1", at, text.indexOf(quote, at))) >= ts) return true;
  }
  return false;
}

/** Decodes a chunk. Throws if it is not what was written. */
export function decodeChunk(text: Buffer, { start, end }: PartChunk): EventColumns {
  const builder = new ColumnsBuilder();
  for (let from = start; from < end; ) {
    const to = text.indexOf(newline, from);
    if (to < 0) throw new SyntaxError("its last line has no end");
    builder.add(decodeEntry(text.toString("utf8", from, to)));
    from = to + 1;
  }
  return builder.finish();
}
