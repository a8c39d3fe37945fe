/**
 * The market is made in segments of a minute, each from seed and number alone: its book begins as a border book drawn from (seed,
 * number), and ends as the border book of the next segment.
 */
export const segmentMs = 60_000;
export const frameMs = 100;
export const framesPerSegment = segmentMs / frameMs;

/** 91 days: the longest power of two of minutes whose nanoseconds a double counts exactly. */
export const levelsOfSegments = 17;
export const segments = 2 ** levelsOfSegments;

/** In the last part of a segment the orders of the next border book arrive one by one, and all others leave. */
export const settlingMs = 8_000;

/** Incidents start after this time, so that detectors have data, and end before the segment settles. */
export const stageFromMs = 6_000;
export const stageUntilMs = segmentMs - settlingMs - 1_000;

/**
 * Tape time of a millisecond of a segment. Frame n ends at n * 100 ms, so a segment begins 100 ms before its first frame, when the last
 * frame of the previous segment ended.
 */
export function tapeMsOf(segment: number, ms: number): number {
  return segment * segmentMs - frameMs + ms;
}
