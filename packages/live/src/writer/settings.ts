/** How a live tape is kept. The same on every node that runs feeds. */
export interface LiveTapeSettings {
  /** Seconds of tape that stay in Redis after they have gone to the tape store, and at most this many bytes of them. */
  readonly recentSeconds: number;
  readonly recentBytes: number;
  /** Bytes that may wait in Redis for a tape store that takes nothing. Beyond that the tape ends and another begins. */
  readonly maxUnstoredBytes: number;
  /** Seconds of tape after which a part goes to the tape store. */
  readonly segmentSeconds: number;
  /** Hours of tape that are kept while it grows; the oldest parts go first. 0: all. */
  readonly retentionHours: number;
}

export const liveTapeDefaults: LiveTapeSettings = {
  recentSeconds: 120,
  recentBytes: 8 << 20,
  maxUnstoredBytes: 64 << 20,
  segmentSeconds: 60,
  retentionHours: 24,
};
