import type { TapeNs } from "@tapedeck/protocol";
import type { Seq } from "@tapedeck/tape";

/** A part of a live tape: which frames it has and when it begins, so that finding the part of a frame takes no reading. */
export interface SegmentName {
  /** Of the tape that it is, in the store of the tape's parts. */
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
 * The parts that make a whole, in order: no frame is missing in them or comes twice, they reach as far as any of the parts do
 * and begin as early as they can. What is left over lies in others: a crash may leave a part beside those it was made of, and
 * a writer that was replaced one of its own.
 */
export function contiguousSegments(ids: readonly string[], fromSeq: Seq = 0): SegmentName[] {
  const parts = ids
    .flatMap((id) => parseSegmentName(id) ?? [])
    .filter((part) => part.lastSeq >= part.firstSeq && part.firstSeq >= fromSeq)
    .sort((a, b) => a.lastSeq - b.lastSeq || b.firstSeq - a.firstSeq);
  /** Of the parts that end with a frame, the one that reaches back furthest with those before it. */
  const ending = new Map<Seq, { readonly part: SegmentName; readonly from: Seq; readonly length: number }>();
  for (const part of parts) {
    const before = ending.get(part.firstSeq - 1);
    const chain = { part, from: before?.from ?? part.firstSeq, length: (before?.length ?? 0) + 1 };
    const known = ending.get(part.lastSeq);
    if (known === undefined || chain.from < known.from || (chain.from === known.from && chain.length < known.length)) {
      ending.set(part.lastSeq, chain);
    }
  }
  const whole: SegmentName[] = [];
  for (
    let next = ending.get(parts.at(-1)?.lastSeq ?? -1);
    next !== undefined;
    next = ending.get(next.part.firstSeq - 1)
  ) {
    whole.push(next.part);
  }
  return whole.reverse();
}
