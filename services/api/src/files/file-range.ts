import { nsOfIso, type TapeNs } from "@tapedeck/protocol";
import { type RangeEnd, RangeRefused, rangeOf, type Seq, type SeqRange, type Tape } from "@tapedeck/tape";

/** Which frames of a tape a file has. It ends before `to`. */
export interface FileQuery {
  readonly from_seq?: number | undefined;
  readonly from_ts?: string | undefined;
  readonly to_seq?: number | undefined;
  readonly to_ts?: string | undefined;
}

export function isWhole({ from_seq, from_ts, to_seq, to_ts }: FileQuery): boolean {
  return [from_seq, from_ts, to_seq, to_ts].every((end) => end === undefined);
}

/**
 * The frames that a query names, both included. Rejects with INVALID_VALUE if there are none or the tape needs both ends, and as `Tape.seqAt` does.
 *
 * @param lastSeq where the tape ends
 */
export function framesOf(tape: Tape, query: FileQuery, lastSeq: Seq): Promise<SeqRange> {
  const { id, startNs, span, longestRangeNs } = tape;
  const [from, to] = [firstOf(query), lastOf(query)];
  const isLimited = longestRangeNs !== undefined;
  if (isLimited && from === undefined) throw new RangeRefused(id, "from_seq", "from_seq or from_ts is required");
  if (isLimited && to === undefined) throw new RangeRefused(id, "to_seq", "to_seq or to_ts is required");
  const shown = {
    ...{ id, startNs, longestRangeNs, span: { ...span, lastSeq } },
    seqAt: (ns: TapeNs) => tape.seqAt(ns),
    nsOf: (seq: Seq) => tape.nsOf(seq),
    iso: (ns: TapeNs) => tape.iso(ns),
  };
  return rangeOf(shown, { from, to });
}

function firstOf({ from_seq, from_ts }: FileQuery): RangeEnd | undefined {
  if (from_seq !== undefined) return { seq: from_seq };
  return from_ts === undefined ? undefined : { ns: timeOf(from_ts) };
}

function lastOf({ to_seq, to_ts }: FileQuery): RangeEnd | undefined {
  if (to_seq !== undefined) return { seq: to_seq - 1 };
  return to_ts === undefined ? undefined : { ns: timeOf(to_ts) - 1n };
}

/** Nanoseconds since 1970. The schema of the query has let only times through. */
function timeOf(ts: string): bigint {
  return nsOfIso(ts) ?? 0n;
}
