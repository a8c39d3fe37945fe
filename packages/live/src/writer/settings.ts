import { type LiveTrackSettings, liveTrackDefaults } from "../track/live-track.js";

/** How a live tape is kept. The same on every node that runs feeds. */
export interface LiveTapeSettings {
  /** Seconds of tape that stay in Redis after they are stored. */
  readonly recentSeconds: number;
  /** At most this many bytes of them. */
  readonly recentBytes: number;
  /** Bytes that may wait in Redis while the tape store fails. Beyond that the tape ends and another begins. */
  readonly maxUnstoredBytes: number;
  /** Seconds of tape after which a segment is stored. */
  readonly segmentSeconds: number;
  /** Hours of tape that are kept while it grows; the oldest segments are erased first. 0 keeps all. */
  readonly retentionHours: number;
  readonly track: LiveTrackSettings;
}

export const liveTapeDefaults: LiveTapeSettings = {
  recentSeconds: 120,
  recentBytes: 8 << 20,
  maxUnstoredBytes: 64 << 20,
  segmentSeconds: 60,
  retentionHours: 24,
  track: liveTrackDefaults,
};
