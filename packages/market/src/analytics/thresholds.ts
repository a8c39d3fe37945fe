import type { GapThreshold } from "./features/liquidity-gaps.js";

/** What detectors take for conspicuous. Times are nanoseconds of tape time unless they say otherwise. */
export interface Thresholds {
  /** A level that holds less is a gap in `liquidity_gaps`. */
  readonly gap: GapThreshold;
  readonly gapAlert: {
    /** Any gap is an alert; the rest then means nothing. */
    readonly anyThinLevel: boolean;
    /** Levels that are missing side by side, ... */
    readonly missing: number;
    /** ... so few of them being left that it is so little likely (logarithm of the likelihood ratio), ... */
    readonly evidence: number;
    /** ... and so many times less likely than it is on average on that side, ... */
    readonly timesOwn: number;
    /** ... over the last moments (weights e^(-age / tau)), ... */
    readonly tauS: number;
    /** ... behind a best price that has not changed for so many seconds. */
    readonly steadyS: number;
  };
  readonly depth: {
    /** Share of a side's depth lost between two frames, 0 to 1, ... */
    readonly least: number;
    /** ... levels of the first ten that lost half, ... */
    readonly levels: number;
    /** ... as much as is lost once in so many seconds (0: whatever is usual), ... */
    readonly everyS: number;
    /** ... behind a best price that has not changed for so many seconds. */
    readonly steadyS: number;
  };
  readonly spoofing: {
    /** Size that comes to the best level, of its mean. */
    readonly growth: number;
    /** Share of it that is left where an order counts as taken back. */
    readonly left: number;
    readonly withinNs: number;
    /** It went in one frame, and nothing like it came to another level. */
    readonly atOnce: boolean;
    /** So many taken back in so long are an alert. */
    readonly times: number;
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
    /** As large a share of it that comes to other levels in that moment makes it a wall that was moved. */
    readonly moved: number;
  };
  readonly stuffing: { readonly perSecond: number; readonly timesUsual: number; readonly lastingS: number };
  readonly ignition: {
    /** A move is followed from where it drifted so many times the usual move of a second in each, ... */
    readonly drift: number;
    /** ... once it has gone so many times farther than that; ... */
    readonly notice: number;
    /** ... and told of where it took so long, ... */
    readonly shortestNs: number;
    readonly longestNs: number;
    /** ... was of such force (geometric mean of distance, straightness and speed, of which the share of trades along with it counts), ... */
    readonly force: number;
    /** ... and lost this share of it again within so long. */
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
  /** `everyS`: as far as once in so many seconds; 0: whatever is usual. */
  readonly imbalance: { readonly least: number; readonly everyS: number };
  /** `everyS`: as large as one in so many seconds; 0: whatever is usual. */
  readonly tradeSize: { readonly z: number; readonly everyS: number };
  readonly rapid: { readonly gapMs: number; readonly relative: boolean };
}

/** Thresholds against the instrument's own recent past: what is meant on any instrument. */
export const relative: Thresholds = {
  gap: { ofMedian: 0.03 },
  gapAlert: { anyThinLevel: false, missing: 2.4, evidence: 1.2, timesOwn: 4, tauS: 2.5, steadyS: 0.1 },
  depth: { least: 0.3, levels: 6, everyS: 600, steadyS: 0.5 },
  spoofing: { growth: 4.5, left: 0.3, withinNs: 2.2e9, atOnce: true, times: 2, spanNs: 6e9 },
  layering: { growth: 1, levels: 3, togetherNs: 150e6, pulled: true, withinNs: 6e9, moved: 0.4 },
  stuffing: { perSecond: 20, timesUsual: 3.2, lastingS: 0.5 },
  ignition: {
    drift: 2.5,
    notice: 5,
    shortestNs: 1.2e9,
    longestNs: 6.5e9,
    force: 6.5,
    reverts: 0.4,
    withinNs: 7e9,
  },
  wash: { count: 5, withinNs: 8e9, likeness: 0.045, alternating: 0.75 },
  iceberg: { timesTrade: 2, fills: 4, likeness: 0.01, kept: 0.2, withinNs: 1.6e9 },
  imbalance: { least: 0.5, everyS: 300 },
  tradeSize: { z: 3, everyS: 90 },
  rapid: { gapMs: 100, relative: true },
};

/** Those of the first version, in units and counts, for comparison with what it said. */
const absolute: Thresholds = {
  ...relative,
  gap: { units: 50, ofMedian: 0 },
  gapAlert: { anyThinLevel: true, missing: 0, evidence: 0, timesOwn: 0, tauS: 0, steadyS: 0 },
  depth: { least: 0.3, levels: 0, everyS: 0, steadyS: 0 },
  spoofing: { growth: 3, left: 0.3, withinNs: 60e9, atOnce: false, times: 1, spanNs: 1e9 },
  layering: { growth: 2, levels: 3, togetherNs: 5e9, pulled: false, withinNs: 6e9, moved: 0 },
  stuffing: { perSecond: 20, timesUsual: 3, lastingS: 0 },
  imbalance: { least: 0.5, everyS: 0 },
  tradeSize: { z: 3, everyS: 0 },
  rapid: { gapMs: 100, relative: false },
};

export const profiles = { relative, absolute } as const;
export type ProfileName = keyof typeof profiles;
