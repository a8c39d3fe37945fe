import type { TapeNs } from "@tapedeck/protocol";
import type { Seq } from "@tapedeck/tape";

/** A segment's id says which frames it has and when it begins, so that the segment of a frame is found without reading. */
export interface SegmentName {
  /** Its id in the store of the tape's segments: `first-last-ns`. */
  readonly id: string;
  readonly firstSeq: Seq;
  readonly lastSeq: Seq;
  readonly firstNs: TapeNs;
}

const pattern = /^(\d{1,15})-(\d{1,15})-(\d{1,16})$/;

export function segmentName(firstSeq: Seq, lastSeq: Seq, firstNs: TapeNs): SegmentName {
  return { id: `${firstSeq}-${lastSeq}-${firstNs}`, firstSeq, lastSeq, firstNs };
}

/** Undefined for any other id. */
export function parseSegmentName(id: string): SegmentName | undefined {
  const [, first, last, ns] = pattern.exec(id) ?? [];
  return first === undefined ? undefined : segmentName(Number(first), Number(last), Number(ns));
}

/**
 * The segments that make up the tape, in order: contiguous, without overlap, up to the last frame of any segment and from as early
 * as possible. Others are leftovers: a crash may leave a segment beside the ones that it was joined from, and a fenced writer may
 * leave one of its own.
 */
export function contiguousSegments(ids: readonly string[], fromSeq: Seq = 0): SegmentName[] {
  const segments = ids
    .flatMap((id) => parseSegmentName(id) ?? [])
    .filter((segment) => segment.lastSeq >= segment.firstSeq && segment.firstSeq >= fromSeq)
    .sort((a, b) => a.lastSeq - b.lastSeq || b.firstSeq - a.firstSeq);
  /** For each last frame, the chain of segments that reaches back furthest, and of those the shortest. */
  const ending = new Map<Seq, { readonly segment: SegmentName; readonly from: Seq; readonly length: number }>();
  for (const segment of segments) {
    const before = ending.get(segment.firstSeq - 1);
    const chain = { segment, from: before?.from ?? segment.firstSeq, length: (before?.length ?? 0) + 1 };
    const known = ending.get(segment.lastSeq);
    if (known === undefined || chain.from < known.from || (chain.from === known.from && chain.length < known.length)) {
      ending.set(segment.lastSeq, chain);
    }
  }
  const contiguous: SegmentName[] = [];
  for (
    let next = ending.get(segments.at(-1)?.lastSeq ?? -1);
    next !== undefined;
    next = ending.get(next.segment.firstSeq - 1)
  ) {
    contiguous.push(next.segment);
  }
  return contiguous.reverse();
}
