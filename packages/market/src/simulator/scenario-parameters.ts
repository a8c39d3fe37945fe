import type { IncidentKind, StagedSeverity } from "./scenario.js";

/** A value for each severity. */
type Graded<T> = Readonly<Record<StagedSeverity, T>>;

/** From `least` to `most`, each as likely. */
export interface Between {
  readonly least: number;
  readonly most: number;
}

/**
 * What each incident does, by severity. Sizes and rates are multiples of what is usual in this market when nothing is
 * staged, so that they mean the same on every instrument.
 */
export interface ScenarioParameters {
  /** Orders at a best price that rests, taken back before anyone can trade with them, several times in a row. */
  readonly spoofing: Graded<{
    /** Of the side's usual size at the best price. */
    readonly timesBestSize: Between;
    readonly cycles: Between;
    readonly holdMs: Between;
    readonly pauseMs: Between;
  }>;
  /** Orders on many levels of one side at once, held for a while and taken back together. */
  readonly layering: Graded<{
    readonly levels: number;
    /** Of the usual size at the best price, on each of the levels. */
    readonly timesBestSize: Between;
    readonly cycles: Between;
    readonly holdMs: Between;
    readonly pauseMs: Between;
  }>;
  /** Messages that place and take back tiny orders, to drown others in them. */
  readonly quote_stuffing: Graded<{
    /** Of the usual number of book updates a second, on top of it. */
    readonly timesUpdates: Between;
    readonly lastsMs: Between;
  }>;
  /** Aggressive orders that push the price to make others follow, and then the way back. */
  readonly momentum_ignition: Graded<{
    /** Of the usual absolute move of the mid in a second of that minute. */
    readonly timesMove: Between;
    readonly pushMs: Between;
    /** Trades a second while it pushes, of the usual rate. */
    readonly timesTrades: Between;
    /** Share of the move that is lost again, and how soon. */
    readonly reverts: Between;
    readonly revertMs: Between;
  }>;
  /** One party on both sides: trades of one size at one price, the side changing from each to the next. */
  readonly wash_trading: Graded<{
    readonly trades: Between;
    readonly everyMs: Between;
    /** Of the usual mean trade. */
    readonly timesSize: Between;
    /** Largest departure from the one size, as a share of it. */
    readonly spreadOfSizes: number;
  }>;
  /** A large order that shows little of itself: the same size appears again at the same price after each fill. */
  readonly iceberg: Graded<{
    readonly fills: Between;
    readonly everyMs: Between;
    /** Size shown, of the usual mean trade. */
    readonly timesSize: Between;
  }>;
  /** Places near the best price from which all orders go, and where none come, for a while. */
  readonly liquidity_gap: Graded<{
    /** Of the first ten, of one side, side by side. */
    readonly levels: Between;
    readonly lastsMs: Between;
  }>;
  /** The price falls through a thinned book, and comes back most of the way. */
  readonly flash_crash: Graded<{
    /** Of the price. */
    readonly fall: Between;
    readonly fallMs: Between;
    readonly recovers: Between;
    readonly recoverMs: Between;
    /** Of the usual flow of new orders while it falls. */
    readonly depth: number;
  }>;
  /** Everyone learns something at once: the price jumps and stays, trading stays lively for a while. */
  readonly news: Graded<{
    /** Of the usual absolute move of the mid in a second of that minute. */
    readonly timesMove: Between;
    readonly jumpMs: Between;
    readonly timesTrades: Between;
    readonly fadesMs: Between;
  }>;
  /** Somebody really wants that much: a large order near the best price that stays until it is filled or no longer good. */
  readonly large_order: Graded<{
    readonly timesBestSize: Between;
    readonly staysMs: Between;
  }>;
  /** Market makers that renew their small quotes more often than usual. */
  readonly fast_cancels: Graded<{
    readonly timesUpdates: Between;
    readonly lastsMs: Between;
  }>;
}

export const between = (least: number, most: number): Between => ({ least, most });

/**
 * A change makes a new version of the generator. The severity `low` is of a kind and size that the market shows by itself about once an
 * hour at most: less than that nobody could tell from it (docs/detection.md).
 */
export const scenarioParameters: ScenarioParameters = {
  spoofing: {
    low: {
      timesBestSize: between(4, 5),
      cycles: between(2, 3),
      holdMs: between(900, 1_800),
      pauseMs: between(800, 2_000),
    },
    medium: {
      timesBestSize: between(6, 8),
      cycles: between(3, 4),
      holdMs: between(700, 1_500),
      pauseMs: between(600, 1_600),
    },
    high: {
      timesBestSize: between(10, 15),
      cycles: between(4, 6),
      holdMs: between(500, 1_200),
      pauseMs: between(500, 1_200),
    },
  },
  layering: {
    low: {
      levels: 4,
      timesBestSize: between(1.0, 1.4),
      cycles: between(1, 2),
      holdMs: between(2_500, 4_000),
      pauseMs: between(1_500, 3_000),
    },
    medium: {
      levels: 5,
      timesBestSize: between(1.8, 2.6),
      cycles: between(2, 3),
      holdMs: between(2_000, 3_500),
      pauseMs: between(1_500, 3_000),
    },
    high: {
      levels: 6,
      timesBestSize: between(3, 5),
      cycles: between(2, 4),
      holdMs: between(2_000, 3_500),
      pauseMs: between(1_000, 2_500),
    },
  },
  quote_stuffing: {
    low: { timesUpdates: between(4, 5), lastsMs: between(2_000, 3_500) },
    medium: { timesUpdates: between(6, 9), lastsMs: between(2_500, 5_000) },
    high: { timesUpdates: between(11, 15), lastsMs: between(3_000, 7_000) },
  },
  momentum_ignition: {
    low: {
      timesMove: between(12, 16),
      pushMs: between(1_500, 2_500),
      timesTrades: between(3, 4),
      reverts: between(0.6, 0.9),
      revertMs: between(4_000, 8_000),
    },
    medium: {
      timesMove: between(20, 28),
      pushMs: between(1_500, 2_500),
      timesTrades: between(4, 6),
      reverts: between(0.6, 0.9),
      revertMs: between(4_000, 8_000),
    },
    high: {
      timesMove: between(35, 55),
      pushMs: between(1_500, 2_500),
      timesTrades: between(6, 10),
      reverts: between(0.6, 0.9),
      revertMs: between(4_000, 8_000),
    },
  },
  wash_trading: {
    low: { trades: between(12, 16), everyMs: between(220, 420), timesSize: between(1, 2), spreadOfSizes: 0.02 },
    medium: { trades: between(20, 30), everyMs: between(150, 300), timesSize: between(2, 4), spreadOfSizes: 0.01 },
    high: { trades: between(40, 60), everyMs: between(80, 180), timesSize: between(4, 8), spreadOfSizes: 0 },
  },
  iceberg: {
    low: { fills: between(7, 10), everyMs: between(300, 700), timesSize: between(3, 5) },
    medium: { fills: between(12, 18), everyMs: between(250, 600), timesSize: between(5, 9) },
    high: { fills: between(22, 32), everyMs: between(200, 450), timesSize: between(9, 16) },
  },
  liquidity_gap: {
    low: { levels: between(5, 5), lastsMs: between(8_000, 12_000) },
    medium: { levels: between(6, 7), lastsMs: between(8_000, 12_000) },
    high: { levels: between(8, 9), lastsMs: between(8_000, 12_000) },
  },
  flash_crash: {
    low: {
      fall: between(0.002, 0.003),
      fallMs: between(3_000, 5_000),
      recovers: between(0.6, 0.9),
      recoverMs: between(12_000, 20_000),
      depth: 0.5,
    },
    medium: {
      fall: between(0.005, 0.008),
      fallMs: between(3_000, 6_000),
      recovers: between(0.6, 0.9),
      recoverMs: between(12_000, 20_000),
      depth: 0.3,
    },
    high: {
      fall: between(0.015, 0.03),
      fallMs: between(4_000, 7_000),
      recovers: between(0.6, 0.9),
      recoverMs: between(14_000, 22_000),
      depth: 0.15,
    },
  },
  news: {
    low: {
      timesMove: between(8, 12),
      jumpMs: between(400, 900),
      timesTrades: between(2, 3),
      fadesMs: between(6_000, 10_000),
    },
    medium: {
      timesMove: between(14, 20),
      jumpMs: between(400, 900),
      timesTrades: between(3, 5),
      fadesMs: between(8_000, 14_000),
    },
    high: {
      timesMove: between(25, 40),
      jumpMs: between(400, 900),
      timesTrades: between(5, 8),
      fadesMs: between(10_000, 18_000),
    },
  },
  large_order: {
    low: { timesBestSize: between(3, 4), staysMs: between(12_000, 20_000) },
    medium: { timesBestSize: between(5, 7), staysMs: between(12_000, 24_000) },
    high: { timesBestSize: between(9, 14), staysMs: between(14_000, 28_000) },
  },
  fast_cancels: {
    low: { timesUpdates: between(0.3, 0.5), lastsMs: between(4_000, 8_000) },
    medium: { timesUpdates: between(0.6, 0.9), lastsMs: between(4_000, 8_000) },
    high: { timesUpdates: between(1.0, 1.4), lastsMs: between(5_000, 10_000) },
  },
} satisfies Readonly<Record<IncidentKind, Graded<object>>>;
