import { RefusedError, refuse } from "@tapedeck/protocol";
import { playheadAt, type SessionRecord } from "@tapedeck/sessions";
import { pinnedTrackOf, type Tape, type TapeCatalog, type TrackDecimals } from "@tapedeck/tape";
import { VenueBook } from "./venue-book.js";
import { VenueClock } from "./venue-clock.js";

/** With what an epoch begins on a node. */
export interface EpochBeginning {
  readonly record: SessionRecord;
  readonly tape: Tape;
  readonly clock: VenueClock;
  readonly book: VenueBook;
  readonly decimals: TrackDecimals;
  /** Where the playhead was when the book was read, in nanoseconds since 1970. */
  readonly ns: bigint;
}

interface BeginningContext {
  readonly tapes: Pick<TapeCatalog, "open" | "kindOf">;
  /** The cluster's clock. */
  readonly now: () => number;
}

/** Of a playhead that is further from what is known, the book is read where it is, not played up to there. */
export const playedUpToNs = 5e9;

/** Reads the book at the session's playhead. Rejects with `NO_TAPE`, `TRACK_NOT_FOUND`, and as opening and reading a tape does. */
export async function beginningOf(record: SessionRecord, { tapes, now }: BeginningContext): Promise<EpochBeginning> {
  if (record.tape === "") throw new RefusedError(refuse("NO_TAPE", `Session ${record.id} has no tape yet.`));
  const tape = await tapes.open(record.tape);
  const track = await pinnedTrackOf(tape);
  const seq = Math.min(Math.max(record.epochFromSeq, tape.span.firstSeq), tape.span.lastSeq);
  const first = await track.bookAt({ seq });
  const firstNs = await tape.nsOf(seq);
  const playheadNs = playheadAt(record, now(), tape);
  const ns = tape.startNs + BigInt(Math.floor(playheadNs));
  const later = playheadNs - firstNs > playedUpToNs ? await track.bookAt({ ts: ns }) : first;
  const clock = new VenueClock({
    epoch: record.epoch,
    originN: first.n,
    originNs: tape.startNs + BigInt(Math.floor(firstNs)),
    simulated: tapes.kindOf(tape.id) === "simulated",
  });
  const { decimals } = track;
  const book = new VenueBook(later.n > first.n ? later : first, decimals);
  return { record, tape, clock, book, decimals, ns };
}
