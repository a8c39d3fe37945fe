import type { IncidentKind, IncidentSeverity } from "./scenario.js";

/** A value for each severity. */
type Graded<T> = Readonly<Record<IncidentSeverity, T>>;

/** A uniform range from `min` to `max`. */
export interface Range {
  readonly min: number;
  readonly max: number;
}

/**
 * Parameters of each incident by severity. Sizes and rates are multiples of the market's baseline, so that they mean the same on every
 * instrument.
 */
interface ScenarioParameters {
  /** Large orders at an unmoving best price, cancelled before they can trade, several times in a row. */
  readonly spoofing: Graded<{
    /** Multiple of the side's usual size at the best price. */
    readonly timesBestSize: Range;
    readonly cycles: Range;
    readonly holdMs: Range;
    readonly pauseMs: Range;
  }>;
  /** Orders on many levels of one side at once, held for a while and cancelled together. */
  readonly layering: Graded<{
    readonly levels: number;
    /** Multiple of the usual size at the best price, on each level. */
    readonly timesBestSize: Range;
    readonly cycles: Range;
    readonly holdMs: Range;
    readonly pauseMs: Range;
  }>;
  /** A flood of messages that place and cancel tiny orders. */
  readonly quote_stuffing: Graded<{
    /** Additional book updates a second, as a multiple of the usual rate. */
    readonly timesUpdates: Range;
    readonly lastsMs: Range;
  }>;
  /** Aggressive orders that push the price until others follow, and then a reversal. */
  readonly momentum_ignition: Graded<{
    /** Multiple of the typical absolute move of the mid in a second of that minute. */
    readonly timesMove: Range;
    readonly pushMs: Range;
    /** Trade rate during the push, as a multiple of the usual one. */
    readonly timesTrades: Range;
    /** Share of the move that reverts, and how soon. */
    readonly reverts: Range;
    readonly revertMs: Range;
  }>;
  /** One party on both sides: trades of one size at one price with alternating sides. */
  readonly wash_trading: Graded<{
    readonly trades: Range;
    readonly everyMs: Range;
    /** Multiple of the mean trade. */
    readonly timesSize: Range;
    /** Largest deviation from the size, as a share of it. */
    readonly spreadOfSizes: number;
  }>;
  /** A mostly hidden order: the same size appears again at the same price after each fill. */
  readonly iceberg: Graded<{
    readonly fills: Range;
    readonly everyMs: Range;
    /** Displayed size, as a multiple of the mean trade. */
    readonly timesSize: Range;
  }>;
  /** Levels near the best price that lose all orders and get none for a while. */
  readonly liquidity_gap: Graded<{
    /** Number of adjacent levels, among the first ten of one side. */
    readonly levels: Range;
    readonly lastsMs: Range;
  }>;
  /** The price falls through a thin book, and recovers most of it. */
  readonly flash_crash: Graded<{
    /** Share of the price. */
    readonly fall: Range;
    readonly fallMs: Range;
    readonly recovers: Range;
    readonly recoverMs: Range;
    /** Rate of new orders during the fall, as a multiple of the usual one. */
    readonly depth: number;
  }>;
  /** The price jumps and stays, and trading is more active for a while. */
  readonly news: Graded<{
    /** Multiple of the typical absolute move of the mid in a second of that minute. */
    readonly timesMove: Range;
    readonly jumpMs: Range;
    readonly timesTrades: Range;
    readonly fadesMs: Range;
  }>;
  /** A genuine large order near the best price that stays until it is filled or the price leaves it. */
  readonly large_order: Graded<{
    readonly timesBestSize: Range;
    readonly staysMs: Range;
  }>;
  /** Market makers that renew small quotes more often than usual. */
  readonly fast_cancels: Graded<{
    readonly timesUpdates: Range;
    readonly lastsMs: Range;
  }>;
}

const range = (min: number, max: number): Range => ({ min, max });

/**
 * A change needs a new generator version. The severity `low` is of a size that the calm market itself shows at most about once an hour:
 * a smaller incident could not be distinguished from it (docs/detection.md).
 */
export const scenarioParameters: ScenarioParameters = {
  spoofing: {
    low: {
      timesBestSize: range(4, 5),
      cycles: range(2, 3),
      holdMs: range(900, 1_800),
      pauseMs: range(800, 2_000),
    },
    medium: {
      timesBestSize: range(6, 8),
      cycles: range(3, 4),
      holdMs: range(700, 1_500),
      pauseMs: range(600, 1_600),
    },
    high: {
      timesBestSize: range(10, 15),
      cycles: range(4, 6),
      holdMs: range(500, 1_200),
      pauseMs: range(500, 1_200),
    },
  },
  layering: {
    low: {
      levels: 4,
      timesBestSize: range(1.0, 1.4),
      cycles: range(1, 2),
      holdMs: range(2_500, 4_000),
      pauseMs: range(1_500, 3_000),
    },
    medium: {
      levels: 5,
      timesBestSize: range(1.8, 2.6),
      cycles: range(2, 3),
      holdMs: range(2_000, 3_500),
      pauseMs: range(1_500, 3_000),
    },
    high: {
      levels: 6,
      timesBestSize: range(3, 5),
      cycles: range(2, 4),
      holdMs: range(2_000, 3_500),
      pauseMs: range(1_000, 2_500),
    },
  },
  quote_stuffing: {
    low: { timesUpdates: range(4, 5), lastsMs: range(2_000, 3_500) },
    medium: { timesUpdates: range(6, 9), lastsMs: range(2_500, 5_000) },
    high: { timesUpdates: range(11, 15), lastsMs: range(3_000, 7_000) },
  },
  momentum_ignition: {
    low: {
      timesMove: range(12, 16),
      pushMs: range(1_500, 2_500),
      timesTrades: range(3, 4),
      reverts: range(0.6, 0.9),
      revertMs: range(4_000, 8_000),
    },
    medium: {
      timesMove: range(20, 28),
      pushMs: range(1_500, 2_500),
      timesTrades: range(4, 6),
      reverts: range(0.6, 0.9),
      revertMs: range(4_000, 8_000),
    },
    high: {
      timesMove: range(35, 55),
      pushMs: range(1_500, 2_500),
      timesTrades: range(6, 10),
      reverts: range(0.6, 0.9),
      revertMs: range(4_000, 8_000),
    },
  },
  wash_trading: {
    low: { trades: range(12, 16), everyMs: range(220, 420), timesSize: range(1, 2), spreadOfSizes: 0.02 },
    medium: { trades: range(20, 30), everyMs: range(150, 300), timesSize: range(2, 4), spreadOfSizes: 0.01 },
    high: { trades: range(40, 60), everyMs: range(80, 180), timesSize: range(4, 8), spreadOfSizes: 0 },
  },
  iceberg: {
    low: { fills: range(7, 10), everyMs: range(300, 700), timesSize: range(3, 5) },
    medium: { fills: range(12, 18), everyMs: range(250, 600), timesSize: range(5, 9) },
    high: { fills: range(22, 32), everyMs: range(200, 450), timesSize: range(9, 16) },
  },
  liquidity_gap: {
    low: { levels: range(5, 5), lastsMs: range(8_000, 12_000) },
    medium: { levels: range(6, 7), lastsMs: range(8_000, 12_000) },
    high: { levels: range(8, 9), lastsMs: range(8_000, 12_000) },
  },
  flash_crash: {
    low: {
      fall: range(0.002, 0.003),
      fallMs: range(3_000, 5_000),
      recovers: range(0.6, 0.9),
      recoverMs: range(12_000, 20_000),
      depth: 0.5,
    },
    medium: {
      fall: range(0.005, 0.008),
      fallMs: range(3_000, 6_000),
      recovers: range(0.6, 0.9),
      recoverMs: range(12_000, 20_000),
      depth: 0.3,
    },
    high: {
      fall: range(0.015, 0.03),
      fallMs: range(4_000, 7_000),
      recovers: range(0.6, 0.9),
      recoverMs: range(14_000, 22_000),
      depth: 0.15,
    },
  },
  news: {
    low: {
      timesMove: range(8, 12),
      jumpMs: range(400, 900),
      timesTrades: range(2, 3),
      fadesMs: range(6_000, 10_000),
    },
    medium: {
      timesMove: range(14, 20),
      jumpMs: range(400, 900),
      timesTrades: range(3, 5),
      fadesMs: range(8_000, 14_000),
    },
    high: {
      timesMove: range(25, 40),
      jumpMs: range(400, 900),
      timesTrades: range(5, 8),
      fadesMs: range(10_000, 18_000),
    },
  },
  large_order: {
    low: { timesBestSize: range(3, 4), staysMs: range(12_000, 20_000) },
    medium: { timesBestSize: range(5, 7), staysMs: range(12_000, 24_000) },
    high: { timesBestSize: range(9, 14), staysMs: range(14_000, 28_000) },
  },
  fast_cancels: {
    low: { timesUpdates: range(0.3, 0.5), lastsMs: range(4_000, 8_000) },
    medium: { timesUpdates: range(0.6, 0.9), lastsMs: range(4_000, 8_000) },
    high: { timesUpdates: range(1.0, 1.4), lastsMs: range(5_000, 10_000) },
  },
} satisfies Readonly<Record<IncidentKind, Graded<object>>>;
