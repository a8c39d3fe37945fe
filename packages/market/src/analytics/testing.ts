import type { BookLevel } from "../book/order-book.js";
import type { FrameMoment, MarketTrade } from "../frame/frame-analytics.js";
import type { DetectorInput } from "./detectors/detector.js";
import { LiquidityGaps } from "./features/liquidity-gaps.js";
import { MarketRegime } from "./features/regime.js";
import { TradeTimes } from "./features/trade-times.js";

/** A frame's state for tests at `second` of tape time, with mid and microprice computed from the book. */
export function momentAt(
  second: number,
  bids: readonly BookLevel[],
  asks: readonly BookLevel[],
  trades: readonly (Pick<MarketTrade, "price" | "size" | "side"> & { readonly second?: number })[] = [],
  more: Partial<FrameMoment> = {},
): FrameMoment {
  const [bid = Number.NaN, bidSize = 0] = bids[0] ?? [];
  const [ask = Number.NaN, askSize = 0] = asks[0] ?? [];
  const twoSided = bids.length > 0 && asks.length > 0;
  const mid = twoSided ? (bid + ask) / 2 : 100;
  return {
    ns: Math.round(second * 1e9),
    timestamp: isoAt(second),
    bids,
    asks,
    mid,
    microprice: twoSided ? (bid * askSize + ask * bidSize) / (bidSize + askSize) : mid,
    updates: 1,
    trades: trades.map(({ second: at = second, ...trade }) => ({ timestamp: isoAt(at), ...trade })),
    afterGap: false,
    ...more,
  };
}

export function isoAt(second: number): string {
  return new Date(Date.UTC(2024, 7, 8) + Math.round(second * 1000)).toISOString();
}

/** Levels of a side from its best price on. */
export function ladder(best: number, step: number, sizes: readonly number[]): BookLevel[] {
  return sizes.map((size, level) => [Number((best + level * step).toFixed(6)), size]);
}

/** A detector's input for a frame and the one before it. */
export function detectorInput(
  moment: FrameMoment,
  before: FrameMoment | undefined,
  more: Partial<DetectorInput> = {},
): DetectorInput {
  return {
    moment,
    before,
    seconds: before === undefined ? 0 : (moment.ns - before.ns) / 1e9,
    tradeNs: new TradeTimes().of(moment),
    obi: 0,
    gaps: new LiquidityGaps({ ofMedian: 0.03 }),
    regime: new MarketRegime(),
    volume: moment.trades.reduce((sum, { size }) => sum + size, 0),
    steady: { bid: 0, ask: 0 },
    typicalMove: 0,
    ...more,
  };
}
