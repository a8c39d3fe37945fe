import { TrackNotFound } from "../errors.js";
import type { Tape } from "../tape.js";
import type { TrackReader } from "./track-reader.js";

/** A tape's event track. @throws TrackNotFound */
export function trackOf({ id, track, span }: Tape): TrackReader {
  if (track === undefined) throw new TrackNotFound(id, span);
  return track;
}
