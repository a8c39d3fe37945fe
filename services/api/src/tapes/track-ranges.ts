import type { bookChangesQuery, eventsQuery, TapeNs } from "@tapedeck/protocol";
import { nsOfIso, RefusedError, refuse } from "@tapedeck/protocol";
import {
  pinnedTrackOf,
  RangeRefused,
  type Seq,
  type Tape,
  type TrackPlace,
  type TrackRange,
  trackOf,
} from "@tapedeck/tape";
import type { z } from "zod";
import { changeLines } from "./book-changes.js";
import { eventLines } from "./event-lines.js";
import type { BookPlace } from "./full-book.js";

/** Events of a range that a query names, as lines. Throws and fails as reading the track does, and if an end is missing that the tape needs. */
export function eventsOf(tape: Tape, query: z.infer<typeof eventsQuery>): AsyncGenerator<Uint8Array, void, undefined> {
  const from = placeOf(query.from_n, query.from_seq, query.from_ts);
  const to = placeOf(query.to_n, query.to_seq, query.to_ts);
  checkEnds(tape, { from, to });
  return eventLines(trackOf(tape), tape, { from, to }, query.limit);
}

/** A feed sends events within half a second of the frame that shows them first. */
const eventsFollowNs: TapeNs = 2e9;

/** The book at a frame that a query names, and its changes up to another one, as lines. Fails as reading the track does. */
export async function changesOf(
  tape: Tape,
  { from_seq, to_seq, whole }: z.infer<typeof bookChangesQuery>,
): Promise<AsyncGenerator<Uint8Array, void, undefined>> {
  const { firstSeq, lastNs, growing } = tape.span;
  // A growing tape may have lost its first frames since the client has heard of it.
  const from = checkedSeq(tape, Math.max(from_seq, firstSeq), "from_seq");
  const to = checkedSeq(tape, to_seq, "to_seq");
  const track = await pinnedTrackOf(tape, { seq: to + 1 });
  const finished = !growing || lastNs - (await tape.nsOf(to)) > eventsFollowNs;
  return changeLines(track, { from, to, whole, finished });
}

/** Events that are made on request need both ends, in whichever of the parameters. @throws RangeRefused */
function checkEnds({ id, longestRangeNs }: Tape, range: TrackRange): void {
  if (longestRangeNs === undefined) return;
  for (const end of ["from", "to"] as const) {
    if (range[end] !== undefined) continue;
    throw new RangeRefused(id, `${end}_n`, `one of ${end}_n, ${end}_seq and ${end}_ts is required`);
  }
}

/** The place that a query names; undefined if it names none. */
function placeOf(n: number | undefined, seq: Seq | undefined, ts: string | undefined): TrackPlace | undefined {
  if (n !== undefined) return { n };
  if (seq !== undefined) return { seq };
  return ts === undefined ? undefined : { ts: timeOf(ts) };
}

/** @throws RefusedError if the tape has no such frame */
export function checkedSeq({ id, span: { firstSeq, lastSeq } }: Tape, seq: Seq = -1, name = "seq"): Seq {
  if (seq >= firstSeq && seq <= lastSeq) return seq;
  throw new RefusedError(refuse("INVALID_VALUE", `${name}: must be from ${firstSeq} to ${lastSeq} on tape ${id}.`));
}

/** The book with all events up to a time. */
export async function placeOfTime(tape: Tape, ts: string): Promise<BookPlace> {
  const { id, startNs, span } = tape;
  const time = timeOf(ts);
  const ns = Number(time - startNs);
  if (ns >= span.firstNs && ns <= span.lastNs) return { place: { ts: time }, seq: await tape.seqAt(ns), ts };
  const [from, to] = [tape.iso(span.firstNs), tape.iso(span.lastNs)];
  throw new RefusedError(refuse("INVALID_VALUE", `ts: must be from ${from} to ${to} on tape ${id}.`));
}

/** Nanoseconds since 1970. The schema of the query has let only times through. */
function timeOf(ts: string): bigint {
  return nsOfIso(ts) ?? 0n;
}
