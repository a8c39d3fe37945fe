import type { FullBookView } from "@tapedeck/protocol";
import { type Seq, type Tape, type TrackPlace, trackOf } from "@tapedeck/tape";

/** A place on the event track, and what an answer says of it. */
export interface BookPlace {
  readonly place: TrackPlace;
  /** The frame there, or the last one before it. */
  readonly seq: Seq;
  readonly ts: string;
}

/** The whole book at a place, its best `depth` levels of each side. Rejects with `TrackNotFound`, and as reading the tape does. */
export async function bookAt(tape: Tape, { place, seq, ts }: BookPlace, depth: number): Promise<FullBookView> {
  const track = trackOf(tape);
  const { n, bids, asks, knownLow, knownHigh, limitsKnown } = await track.bookAt(place);
  // Exact: these numbers have at most 15 digits, or were rounded when the track was written.
  const price = (value: number) => value.toFixed(track.decimals.price);
  const levels = (side: typeof bids) =>
    side.slice(0, depth).map(([at, size]): [string, string] => [price(at), size.toFixed(track.decimals.size)]);
  return {
    ...{ tape: tape.id, symbol: tape.symbol, source: tape.source, seq, ts },
    n: n < 0 ? null : n,
    bids: levels(bids),
    asks: levels(asks),
    bid_levels: bids.length,
    ask_levels: asks.length,
    known_low: knownLow === undefined ? null : price(knownLow),
    known_high: knownHigh === undefined ? null : price(knownHigh),
    limits_known: limitsKnown,
  };
}

/** The book as a frame shows it. */
export async function placeOfSeq(tape: Tape, seq: Seq): Promise<BookPlace> {
  return { place: { seq }, seq, ts: tape.iso(await tape.nsOf(seq)) };
}
