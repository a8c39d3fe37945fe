import { TrackNotFound } from "../errors.js";
import type { Tape } from "../tape.js";
import type { TrackPlace, TrackReader } from "./track-reader.js";

/** A tape's event track. @throws TrackNotFound */
export function trackOf({ id, track, span }: Tape): TrackReader {
  if (track === undefined) throw new TrackNotFound(id, span);
  return track;
}

/**
 * A tape's event track, which neither grows nor changes its decimals while it is read, with all events before `to`, or without it with what the newest
 * frame shows. Rejects as `trackOf`, and as reading the tape does.
 */
export async function pinnedTrackOf(tape: Tape, to?: TrackPlace): Promise<TrackReader> {
  const track = trackOf(tape);
  return (await track.pinned?.(to)) ?? track;
}
