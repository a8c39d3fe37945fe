import type { GapThreshold } from "./liquidity-gaps.js";

/** What detectors take for conspicuous. */
export interface Thresholds {
  readonly gap: GapThreshold;
}

/** Thresholds against the instrument's own recent past: what is meant on any instrument. */
export const relative: Thresholds = { gap: { ofUsual: 0.1 } };

/** Those of the first version, in units and counts, for comparison with what it said. */
export const absolute: Thresholds = { gap: { units: 50, ofUsual: 0 } };

export const profiles = { relative, absolute } as const;
export type ProfileName = keyof typeof profiles;
