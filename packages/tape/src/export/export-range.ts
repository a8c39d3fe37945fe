import { nsOfIso, RefusedError, refuse } from "@tapedeck/protocol";
import { checkLength, RangeRefused } from "../range-limit.js";
import type { Seq, Tape } from "../tape.js";

/** Frames, both included. */
export interface SeqRange {
  readonly from: Seq;
  readonly to: Seq;
}

/** What a range needs to know of its tape. */
type RangedTape = Pick<Tape, "id" | "startNs" | "span" | "seqAt" | "nsOf" | "iso" | "longestRangeNs">;

/** A frame, or a time in nanoseconds since 1970. */
export type RangeEnd = { readonly seq: Seq } | { readonly ns: bigint };

/** The end of a range that `seq:N` or an ISO 8601 time in UTC names; undefined for any other text. */
export function parseRangeEnd(text: string): RangeEnd | undefined {
  const [, seq] = /^seq:(\d{1,15})$/.exec(text) ?? [];
  if (seq !== undefined) return { seq: Number(seq) };
  const ns = nsOfIso(text);
  return ns === undefined ? undefined : { ns };
}

/**
 * The frames from the first at or after `from` to the last at or before `to`; an end that is not given is the tape's. Rejects with
 * `RefusedError` if there are none, with `RangeRefused` if the tape needs both ends or has a shorter longest range, and as `Tape.seqAt` does.
 */
export async function rangeOf(
  tape: RangedTape,
  { from, to }: { readonly from?: RangeEnd | undefined; readonly to?: RangeEnd | undefined },
): Promise<SeqRange> {
  const { firstSeq, lastSeq } = tape.span;
  const isLimited = tape.longestRangeNs !== undefined;
  if (isLimited && from === undefined) throw new RangeRefused(tape.id, "from", "is required");
  if (isLimited && to === undefined) throw new RangeRefused(tape.id, "to", "is required");
  const range = {
    from: from === undefined ? firstSeq : await firstFrom(tape, from),
    to: to === undefined ? lastSeq : await lastUntil(tape, to),
  };
  if (range.from <= range.to) {
    // Frame `n` shows what happened since the one before it.
    if (isLimited) checkLength(tape.id, (await tape.nsOf(range.to + 1)) - (await tape.nsOf(range.from)));
    return range;
  }
  const { firstNs, lastNs } = tape.span;
  throw new RefusedError(
    refuse(
      "INVALID_VALUE",
      `No frame of tape ${tape.id} is in that range: it has frames ${firstSeq} to ${lastSeq}, from ${tape.iso(firstNs)} to ${tape.iso(lastNs)}.`,
    ),
  );
}

async function firstFrom(tape: Pick<Tape, "startNs" | "span" | "seqAt">, from: RangeEnd): Promise<Seq> {
  const { firstSeq, firstNs } = tape.span;
  if ("seq" in from) return Math.max(firstSeq, from.seq);
  const before = Number(from.ns - tape.startNs) - 1;
  return before < firstNs ? firstSeq : (await tape.seqAt(before)) + 1;
}

async function lastUntil(tape: Pick<Tape, "startNs" | "span" | "seqAt">, to: RangeEnd): Promise<Seq> {
  const { firstSeq, lastSeq, firstNs } = tape.span;
  if ("seq" in to) return Math.min(lastSeq, to.seq);
  const ns = Number(to.ns - tape.startNs);
  return ns < firstNs ? firstSeq - 1 : Math.min(lastSeq, await tape.seqAt(ns));
}
