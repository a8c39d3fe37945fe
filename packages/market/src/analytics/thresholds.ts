import type { GapThreshold } from "./features/liquidity-gaps.js";

/** Thresholds of features and detectors. Names give units; a `...Ns` value is tape time. */
export interface Thresholds {
  /** A level with less is a gap in `liquidity_gaps`. */
  readonly gap: GapThreshold;
  readonly gapAlert: {
    /** Any gap raises an alert; the other values are then unused. */
    readonly anyThinLevel: boolean;
    /** Fewest missing adjacent levels, ... */
    readonly missing: number;
    /** ... least evidence (logarithm of the likelihood ratio), ... */
    readonly evidence: number;
    /** ... least evidence as a multiple of that side's average evidence, ... */
    readonly timesOwn: number;
    /** ... time constant of the observation (weights e^(-age / tau)), ... */
    readonly tauS: number;
    /** ... seconds for which the best price must not have changed. */
    readonly steadyS: number;
  };
  readonly depth: {
    /** Least share of a side's depth lost between two frames, 0 to 1, ... */
    readonly least: number;
    /** ... fewest of the first ten levels that lost half, ... */
    readonly levels: number;
    /** ... return period of such a loss in seconds (0: no such condition), ... */
    readonly everyS: number;
    /** ... seconds for which the best price must not have changed. */
    readonly steadyS: number;
  };
  readonly spoofing: {
    /** Least gain of the best level, as a multiple of its mean size. */
    readonly growth: number;
    /** An order counts as cancelled when less than this share of it is left. */
    readonly left: number;
    readonly withinNs: number;
    /** It must disappear within one frame without reappearing at another level. */
    readonly atOnce: boolean;
    /** Cancelled orders within `spanNs` that raise an alert. */
    readonly times: number;
    readonly spanNs: number;
  };
  readonly layering: {
    /** Least gain of a level, as a multiple of the mean best size. */
    readonly growth: number;
    readonly levels: number;
    readonly togetherNs: number;
    /** Whether the wall must also be cancelled. */
    readonly pulled: boolean;
    readonly withinNs: number;
    /** If this share of the wall appears at other levels at the same time, it was moved and not cancelled. */
    readonly moved: number;
  };
  readonly stuffing: { readonly perSecond: number; readonly timesUsual: number; readonly lastingS: number };
  readonly ignition: {
    /** A push is a drift of more than this many typical moves a second, ... */
    readonly drift: number;
    /** ... tracked once it has gone this many typical moves farther than that drift. */
    readonly notice: number;
    /** Duration of the push, ... */
    readonly shortestNs: number;
    readonly longestNs: number;
    /** ... its least force (geometric mean of distance, straightness and speed, times the share of trades in its direction), ... */
    readonly force: number;
    /** ... and the share of it that must revert within `withinNs`. */
    readonly reverts: number;
    readonly withinNs: number;
  };
  readonly wash: {
    readonly count: number;
    readonly withinNs: number;
    /** Largest difference of sizes, as a share. */
    readonly likeness: number;
    /** Least share of trades whose side differs from the previous one. */
    readonly alternating: number;
  };
  readonly iceberg: {
    /** Least size of a fill, as a multiple of the mean trade. */
    readonly timesTrade: number;
    readonly fills: number;
    /** Largest difference of sizes, as a share. */
    readonly likeness: number;
    /** Least share of the filled volume that the level did not lose. */
    readonly kept: number;
    /** Longest time between fills. */
    readonly withinNs: number;
  };
  /** `everyS`: return period in seconds; 0: no such condition. */
  readonly imbalance: { readonly least: number; readonly everyS: number };
  /** `everyS`: return period in seconds; 0: no such condition. */
  readonly tradeSize: { readonly z: number; readonly everyS: number };
  readonly rapid: { readonly gapMs: number; readonly relative: boolean };
}

/** Thresholds relative to the instrument's recent past, for any instrument. */
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

/** The first version's thresholds in absolute units and counts, for comparison. */
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
