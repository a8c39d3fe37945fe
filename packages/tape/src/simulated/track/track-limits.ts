import { frameMs, framesPerSegment, segmentMs } from "@tapedeck/market";
import type { TapeNs } from "@tapedeck/protocol";
import { countUpTo } from "../../binary-search.js";
import { checkLength, RangeRefused } from "../../range-limit.js";
import type { Seq } from "../../tape.js";
import type { TrackPlace, TrackRange } from "../../track/track-reader.js";
import { frameNs } from "../layout.js";
import { numbersPerSegment } from "./segment-track.js";

/** Both ends of a range. */
export interface BoundedRange {
  readonly from: TrackPlace;
  readonly to: TrackPlace;
}

/** What places on a tape are compared with. */
interface TapeTimes {
  readonly id: string;
  /** Nanoseconds since 1970 of tape time 0. */
  readonly startNs: bigint;
}

/** @throws RangeRefused for a range without an end, or a longer one than the tape permits */
export function boundedRange({ from, to }: TrackRange, tape: TapeTimes): BoundedRange {
  if (from === undefined) throw new RangeRefused(tape.id, "from", "is required");
  if (to === undefined) throw new RangeRefused(tape.id, "to", "is required");
  checkLength(tape.id, tapeNsOf(to, tape) - tapeNsOf(from, tape));
  return { from, to };
}

/** Where a place begins. Of an event only the minute is known. */
function tapeNsOf(place: TrackPlace, { startNs }: TapeTimes): TapeNs {
  if ("n" in place) return (Math.floor(place.n / numbersPerSegment) * segmentMs - frameMs) * 1e6;
  return "seq" in place ? (place.seq - 1) * frameNs : Number(place.ts - startNs);
}

/**
 * The frames that may show the events at a place, or some that no tape has. Of an event only the minute is known. A trade with the order that closes a frame
 * is in the next one.
 */
export function framesOfPlace(
  place: TrackPlace,
  { startNs }: Pick<TapeTimes, "startNs">,
): { readonly first: Seq; readonly last: Seq } {
  if ("n" in place) {
    const first = Math.floor(place.n / numbersPerSegment) * framesPerSegment;
    return { first, last: first + framesPerSegment - 1 };
  }
  if ("seq" in place) return { first: place.seq, last: place.seq };
  const first = Math.ceil(Number(place.ts - startNs) / frameNs);
  return { first, last: first + 1 };
}

/** The place that ends a range with all events at a place. */
export function after(place: TrackPlace): TrackPlace {
  if ("n" in place) return { n: place.n + 1 };
  return "seq" in place ? { seq: place.seq + 1 } : { ts: place.ts + 1n };
}

/** The place before one, in its own unit: the last one that can have events of a range that ends there. */
export function before(place: TrackPlace): TrackPlace {
  if ("n" in place) return { n: place.n - 1 };
  return "seq" in place ? { seq: place.seq - 1 } : { ts: place.ts - 1n };
}

/** Rows whose events come one after the other: neither numbers nor frames nor times go back. */
export interface OrderedRows {
  readonly n: Float64Array;
  readonly seq: Float64Array;
  readonly timestamp: BigInt64Array;
}

/** How many rows are of events before a place. An event begins with its first row, and is not split. */
export function rowsBefore({ n, seq, timestamp }: OrderedRows, place: TrackPlace): number {
  if ("n" in place) return countUpTo(n, place.n - 1);
  if ("seq" in place) return countUpTo(seq, place.seq - 1);
  let low = 0;
  let high = timestamp.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((timestamp[middle] ?? 0n) < place.ts) low = middle + 1;
    else high = middle;
  }
  return countUpTo(n, (n[low] ?? Number.POSITIVE_INFINITY) - 1);
}
