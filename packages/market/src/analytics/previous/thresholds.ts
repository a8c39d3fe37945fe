import type { Thresholds } from "../thresholds.js";

/** What detectors of version 2 took for conspicuous. */
export interface PreviousThresholds extends Omit<Thresholds, "gapAlert" | "layering" | "ignition"> {
  readonly gapAlert: {
    /** Any gap is an alert; the rest then means nothing. */
    readonly anyThinLevel: boolean;
    /** Levels that are missing side by side, ... */
    readonly missing: number;
    /** ... at places that are taken in less than this share of the usual time, ... */
    readonly vacant: number;
    /** ... over the last moments (weights e^(-age / tau)), ... */
    readonly tauS: number;
    /** ... behind a best price that has not changed for so many seconds. */
    readonly steadyS: number;
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
  readonly ignition: {
    /** A move of so many times the usual one of a second is followed, ... */
    readonly notice: number;
    /** ... one of so many is told of, ... */
    readonly timesMove: number;
    /** ... where this share of its trades took in its direction, ... */
    readonly oneSided: number;
    /** ... which is so many times as many as usual a second, ... */
    readonly timesTrades: number;
    /** ... and this share of it is lost again, no sooner and no later than this. */
    readonly reverts: number;
    readonly soonestNs: number;
    readonly withinNs: number;
  };
}

/** Those that simulated tapes were made with. */
export const previousThresholds: PreviousThresholds = {
  gap: { ofUsual: 0.03 },
  gapAlert: { anyThinLevel: false, missing: 2.8, vacant: 0.6, tauS: 2.5, steadyS: 0.1 },
  depth: { least: 0.3, levels: 6, everyS: 600, steadyS: 0.5 },
  spoofing: { growth: 4.5, left: 0.3, withinNs: 2.2e9, atOnce: true, times: 2, spanNs: 6e9 },
  layering: { growth: 1, levels: 3, togetherNs: 150e6, pulled: true, withinNs: 6e9 },
  stuffing: { perSecond: 20, timesUsual: 3.2, lastingS: 0.5 },
  ignition: {
    notice: 8,
    timesMove: 11,
    oneSided: 0.9,
    timesTrades: 2,
    reverts: 0.45,
    soonestNs: 2.4e9,
    withinNs: 7e9,
  },
  wash: { count: 5, withinNs: 8e9, likeness: 0.045, alternating: 0.75 },
  iceberg: { timesTrade: 2, fills: 4, likeness: 0.01, kept: 0.2, withinNs: 1.6e9 },
  imbalance: { least: 0.5, everyS: 300 },
  tradeSize: { z: 3, everyS: 90 },
  rapid: { gapMs: 100, relative: true },
};
