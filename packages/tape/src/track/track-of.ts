import { TrackNotFound } from "../errors.js";
import type { Tape } from "../tape.js";
import type { TrackReader } from "./track-reader.js";

/** A tape's event track. @throws TrackNotFound */
export function trackOf({ id, track, span }: Tape): TrackReader {
  if (track === undefined) throw new TrackNotFound(id, span);
  return track;
}

/** A tape's event track, which neither grows nor changes its decimals while it is read. Rejects as `trackOf`, and as reading the tape does. */
export async function pinnedTrackOf(tape: Tape): Promise<TrackReader> {
  const track = trackOf(tape);
  return (await track.pinned?.()) ?? track;
}
