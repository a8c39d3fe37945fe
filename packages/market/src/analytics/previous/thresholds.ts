import type { GapThreshold } from "../liquidity-gaps.js";

/** What detectors of version 1 took for conspicuous. Times are nanoseconds of tape time unless they say otherwise. */
export interface Thresholds {
  /** A level that holds less is a gap in `liquidity_gaps`. */
  readonly gap: GapThreshold;
  readonly gapAlert: {
    /** Any gap is an alert; the rest then means nothing. */
    readonly anyThinLevel: boolean;
    /** Neighbouring levels that vanish together, ... */
    readonly levels: number;
    /** ... and are empty for so long, ... */
    readonly lastingNs: number;
    /** ... behind a best price that has not changed for so many seconds. */
    readonly steadyS: number;
  };
  readonly depth: {
    /** Share of a side's depth lost between two frames, 0 to 1, ... */
    readonly least: number;
    /** ... levels of the first ten that lost half, ... */
    readonly levels: number;
    /** ... the share lost, of what 99 % of frames stay below (0: whatever is usual), ... */
    readonly timesUsual: number;
    /** ... behind a best price that has not changed for so many seconds. */
    readonly steadyS: number;
  };
  readonly spoofing: {
    /** Size that comes to the best level, of its mean, ... */
    readonly growth: number;
    /** ... and what the level then holds, of what 98 % of best levels stay below; 0: whatever is usual. */
    readonly ofLarge: number;
    /** Share of it that is left where an order counts as taken back. */
    readonly left: number;
    readonly withinNs: number;
    /** It went as it came, in one frame. */
    readonly atOnce: boolean;
    /** Orders taken back in so long that make an alert: each counts a fifth of its growth, at most 2. */
    readonly evidence: number;
    readonly spanNs: number;
  };
  readonly layering: {
    /** What a level gains, of the mean size of the best ones. */
    readonly growth: number;
    readonly levels: number;
    readonly togetherNs: number;
    /** Only a wall that is taken back is one. */
    readonly pulled: boolean;
    readonly withinNs: number;
  };
  readonly stuffing: { readonly perSecond: number; readonly timesUsual: number; readonly lastingS: number };
  readonly ignition: {
    /** The move, of the usual one in a second. */
    readonly timesMove: number;
    /** Trades a second, of the usual number. */
    readonly timesTrades: number;
    /** Share of the move that is lost again. */
    readonly reverts: number;
    readonly withinNs: number;
  };
  readonly wash: {
    readonly count: number;
    readonly withinNs: number;
    /** Largest difference of sizes, as a share. */
    readonly likeness: number;
    /** Share of the trades whose side differs from the one before. */
    readonly alternating: number;
  };
  readonly iceberg: {
    /** A fill, of the mean trade. */
    readonly timesTrade: number;
    readonly fills: number;
    /** Largest difference of sizes, as a share. */
    readonly likeness: number;
    /** Share of what was taken that was not missing afterwards. */
    readonly kept: number;
    /** From fill to fill. */
    readonly withinNs: number;
  };
  readonly imbalance: { readonly least: number; readonly relative: boolean };
  readonly tradeSize: { readonly z: number; readonly ofLarge: number };
  readonly rapid: { readonly gapMs: number; readonly relative: boolean };
}

/** Those that simulated tapes were made with. */
export const previousThresholds: Thresholds = {
  gap: { ofUsual: 0.03 },
  gapAlert: { anyThinLevel: false, levels: 5, lastingNs: 0.3e9, steadyS: 0.3 },
  depth: { least: 0.3, levels: 6, timesUsual: 1.1, steadyS: 0.5 },
  spoofing: { growth: 8.5, ofLarge: 0.7, left: 0.3, withinNs: 2.2e9, atOnce: true, evidence: 2.6, spanNs: 5e9 },
  layering: { growth: 1, levels: 3, togetherNs: 150e6, pulled: true, withinNs: 6e9 },
  stuffing: { perSecond: 20, timesUsual: 3.2, lastingS: 0.5 },
  ignition: { timesMove: 11, timesTrades: 1.6, reverts: 0.45, withinNs: 7e9 },
  wash: { count: 5, withinNs: 8e9, likeness: 0.045, alternating: 0.75 },
  iceberg: { timesTrade: 2, fills: 3, likeness: 0.01, kept: 0.2, withinNs: 1.6e9 },
  imbalance: { least: 0.5, relative: true },
  tradeSize: { z: 3, ofLarge: 2.5 },
  rapid: { gapMs: 100, relative: true },
};
