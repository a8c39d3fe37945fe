import { TrackNotFound } from "../errors.js";
import type { Tape } from "../tape.js";
import type { TrackPlace, TrackReader } from "./track-reader.js";

/** Reads an event track as columns. */
export type RowTrack = Omit<TrackReader, "events" | "eventLists">;

type TrackedTape<Track> = Pick<Tape, "id" | "span"> & { readonly track?: Track | undefined };

/** A tape's event track. @throws TrackNotFound */
export function trackOf<Track>({ id, track, span }: TrackedTape<Track>): Track {
  if (track === undefined) throw new TrackNotFound(id, span);
  return track;
}

/**
 * A tape's event track, which neither grows nor changes its decimals while it is read, with all events before `to`, or without it with what the newest
 * frame shows. Rejects as `trackOf`, and as reading the tape does.
 */
export async function pinnedTrackOf<Track extends RowTrack>(
  tape: TrackedTape<Track>,
  to?: TrackPlace,
): Promise<Track | TrackReader> {
  const track = trackOf(tape);
  return (await track.pinned?.(to)) ?? track;
}
