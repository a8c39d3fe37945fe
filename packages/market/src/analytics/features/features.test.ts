import { describe, expect, test } from "vitest";
import type { FrameMoment } from "../../frame/frame-analytics.js";
import { MarketAnalytics } from "../market-analytics.js";
import { ReturnLevel, RunningMean, RunningQuantile } from "../running-statistics.js";
import { isoAt, ladder, momentAt } from "../testing.js";
import { bookImbalance, directionalProbability, OrderFlowImbalance } from "./imbalance.js";
import { LiquidityGaps } from "./liquidity-gaps.js";
import { RealizedSpreads } from "./realized-spread.js";
import { TradeTimes } from "./trade-times.js";
import { Volatility } from "./volatility.js";
import { Vpin } from "./vpin.js";

/** The fields that analytics add to the last of these frames. */
function fields(...moments: FrameMoment[]): Record<string, unknown> {
  const analytics = new MarketAnalytics();
  let head = "";
  for (const moment of moments) ({ head } = analytics.analyse(moment));
  return JSON.parse(`{${head}}`);
}

describe("[AN1] the book's imbalance", () => {
  test("weighs five levels by e^(-0.5 i)", () => {
    // Level 1: 3 against 1; level 2: 0 against 2. w = 1 and 0.60653: (2 - 1.21306) / (4 + 1.21306).
    expect(bookImbalance([[99, 3]], ladder(101, 1, [1, 2]))).toBeCloseTo(0.150955, 6);
  });

  test("is 1 with only bids, -1 with only asks, 0 with neither, and ignores the sixth level", () => {
    expect(bookImbalance([[99, 3]], [])).toBe(1);
    expect(bookImbalance([], [[101, 3]])).toBe(-1);
    expect(bookImbalance([], [])).toBe(0);
    const five = [1, 1, 1, 1, 1];
    expect(bookImbalance(ladder(99, -1, [...five, 50]), ladder(101, 1, five))).toBe(0);
  });

  test("gives the direction of the microprice in percent", () => {
    // q_bid 3, q_ask 1: microprice 99.5, a quarter of the spread above the mid.
    expect(directionalProbability(100.5, 100, 2)).toBe(75);
    expect(directionalProbability(100, 100, 0)).toBe(50);
    expect(fields(momentAt(0, [[99, 3]], [[101, 1]]))).toMatchObject({ directional_prob: 75 });
    expect(fields(momentAt(0, [], [[101, 1]]))).toMatchObject({ directional_prob: 50, obi: -1 });
  });
});

describe("[AN1] order flow imbalance", () => {
  const book = (bid: number, bidSize: number, ask: number, askSize: number) => ({
    bids: ladder(bid, -1, [bidSize]),
    asks: ladder(ask, 1, [askSize]),
  });

  test("is size added to the bid minus size added to the ask, over the turnover", () => {
    const flow = new OrderFlowImbalance();
    flow.update(0.1, book(99, 5, 101, 5), book(99, 8, 101, 4)); // +3 and -1: e = 4 of 4
    expect(flow.levels[0]).toBe(1);
    flow.update(0, book(99, 8, 101, 4), book(99, 8, 101, 6)); // 0 and +2: e = -2; altogether 2 of 6
    expect(flow.levels[0]).toBeCloseTo(1 / 3, 12);
  });

  test("counts the whole level when the price changes", () => {
    const up = new OrderFlowImbalance();
    up.update(0.1, book(99, 5, 101, 5), book(100, 2, 102, 7)); // bid +2, ask -5: e = 7 of 7
    expect(up.levels[0]).toBe(1);
    const down = new OrderFlowImbalance();
    down.update(0.1, book(99, 5, 101, 5), book(98, 9, 101, 5)); // bid -5
    expect(down.levels[0]).toBe(-1);
  });

  test("decays by 1/e in a second, and has five levels", () => {
    const flow = new OrderFlowImbalance();
    flow.update(0, book(99, 5, 101, 5), book(99, 6, 101, 5)); // +1
    flow.update(1, book(99, 6, 101, 5), book(99, 6, 101, 6)); // -1, and the first is worth 0.36788
    expect(flow.levels[0]).toBeCloseTo((Math.exp(-1) - 1) / (Math.exp(-1) + 1), 12);
    expect(flow.levels).toHaveLength(5);
    flow.clear();
    expect(flow.levels).toEqual([0, 0, 0, 0, 0]);
  });
});

describe("[AN1] VPIN", () => {
  const trade = (size: number, side: "buy" | "sell" | "unknown") => ({ timestamp: isoAt(0), price: 100, size, side });

  test("is 1 if all trades are buys, 0 if balanced, and counts an unknown side half for each", () => {
    const bought = new Vpin();
    const both = new Vpin();
    const unknown = new Vpin();
    for (let n = 0; n < 200; n++) {
      bought.update(1, [trade(1, "buy")]);
      both.update(1, [trade(0.5, "buy"), trade(0.5, "sell")]);
      unknown.update(1, [trade(1, "unknown")]);
    }
    expect(bought.value).toBe(1);
    expect(both.value).toBeLessThan(0.1);
    expect(unknown.value).toBe(0);
  });

  test("keeps its value between buckets, and counts a huge trade as all buckets at most", () => {
    const vpin = new Vpin();
    for (let n = 0; n < 100; n++) vpin.update(1, [trade(1, n % 2 === 0 ? "buy" : "sell")]);
    const { value } = vpin;
    vpin.update(0.1, []);
    expect(vpin.value).toBe(value);
    vpin.update(0.1, [trade(1e12, "sell")]);
    expect(vpin.value).toBeCloseTo(1, 6);
  });
});

describe("[AN1] liquidity gaps", () => {
  test("are levels below the threshold, with a risk that decreases with distance", () => {
    const gaps = new LiquidityGaps({ units: 50, ofMedian: 0 });
    gaps.update(ladder(99, -1, [100, 25]), ladder(101, 1, [10]));
    expect(gaps.found).toEqual([
      { price: 98, volume: 25, side: "bid", level: 2, risk: 45 }, // 100 * 0.5 * 9 / 10
      { price: 101, volume: 10, side: "ask", level: 1, risk: 80 },
    ]);
    expect(gaps.severity).toBe(1.25);
  });

  test("are relative to the median size, and only among the best ten levels", () => {
    const gaps = new LiquidityGaps({ ofMedian: 0.1 });
    for (let n = 0; n < 50; n++) gaps.update(ladder(99, -1, Array(12).fill(10)), ladder(101, 1, Array(12).fill(10)));
    expect(gaps.medianSize).toBeCloseTo(10, 6);
    gaps.update(ladder(99, -1, [10, 10, 0.5]), ladder(101, 1, [...Array(10).fill(10), 0.1]));
    expect(gaps.found).toEqual([{ price: 97, volume: 0.5, side: "bid", level: 3, risk: 40 }]);
  });
});

test("[AN1] volatility is the root of the squared returns by time, in basis points per root second", () => {
  const volatility = new Volatility(1e9); // long enough that nothing decays
  volatility.update(1, 100, 101);
  volatility.update(3, 101, 100);
  expect(volatility.value).toBeCloseTo(1e4 * Math.sqrt((2 * Math.log(1.01) ** 2) / 4), 6);
});

describe("[AN6] realised spread", () => {
  const book = (mid: number) => [ladder(mid - 1, -1, [1]), ladder(mid + 1, 1, [1])] as const;
  const buy = { price: 101, size: 1, side: "buy" } as const;
  const noting = () => {
    const spreads = new RealizedSpreads();
    const times = new TradeTimes();
    return (moment: FrameMoment, before: FrameMoment | undefined) => spreads.update(moment, before, times.of(moment));
  };

  test("is 2 D (price - mid) against the mid in force 5 s after the trade, in the frame at which that is known", () => {
    const note = noting();
    const frames = [
      momentAt(0, ...book(100), [buy]),
      momentAt(4.9, ...book(100.5)),
      momentAt(5.1, ...book(103)), // comes after the 5 s: the mid was 100.5
      momentAt(5.2, ...book(103)),
    ];
    const known = frames.map((frame, at) => note(frame, frames[at - 1]));
    expect(known).toEqual([undefined, undefined, { spread: 1, of: [isoAt(0)] }, undefined]);
  });

  test("uses the frame's own mid exactly 5 s later, and weighs several trades by size", () => {
    const note = noting();
    const first = momentAt(0, ...book(100), [buy, { price: 99, size: 3, side: "sell" }]);
    const then = momentAt(5, ...book(102));
    note(first, undefined);
    // Buyer: 2 (101 - 102) = -2; seller: -2 (99 - 102) = 6; by size (-2 + 3 * 6) / 4.
    expect(note(then, first)).toEqual({ spread: 4, of: [isoAt(0)] });
  });

  test("is unknown for trades of unknown side and across a gap", () => {
    const note = noting();
    const first = momentAt(0, ...book(100), [{ ...buy, side: "unknown" }]);
    note(first, undefined);
    expect(note(momentAt(6, ...book(100)), first)).toBeUndefined();
    const second = momentAt(10, ...book(100), [buy]);
    note(second, first);
    note(momentAt(14, ...book(100)), undefined); // a gap lies before it
    expect(note(momentAt(16, ...book(100)), momentAt(14, ...book(100)))).toBeUndefined();
  });

  test("is in the frame with the times of its trades, and null in others", () => {
    const frames = [momentAt(0, ...book(100), [buy]), momentAt(5, ...book(100))];
    expect(fields(...frames)).toMatchObject({ realized_spread: 2, realized_spread_of: [isoAt(0)] });
    expect(fields(...frames.slice(0, 1))).toMatchObject({ realized_spread: null, realized_spread_of: null });
  });
});

describe("running statistics", () => {
  test("a running mean is plain until its window is full, and ignores non-finite values", () => {
    const mean = new RunningMean(10);
    for (const value of [1, 2, Number.NaN, 3, Number.POSITIVE_INFINITY, 4]) mean.add(value);
    expect(mean.mean).toBe(2.5);
    expect(mean.variance).toBeCloseTo(1.25, 12);
    expect(mean.score(2.5 + 3 * Math.sqrt(1.25))).toBeCloseTo(3, 12);
  });

  test("a running quantile approaches the true one", () => {
    const quantile = new RunningQuantile(0.9, 2_000);
    for (let n = 0; n < 20_000; n++) quantile.add((n * 7_919) % 1_000);
    expect(quantile.value).toBeGreaterThan(870);
    expect(quantile.value).toBeLessThan(930);
  });

  test("a return level is exceeded once per return period, even with less data", () => {
    // Exponential with mean 1, one every tenth of a second: in 600 s the largest of 6,000, about ln 6,000 = 8.7.
    const rare = new ReturnLevel(600);
    expect(rare.value).toBe(Number.POSITIVE_INFINITY);
    for (let n = 0; n < 2_000; n++) {
      rare.advance(0.1);
      rare.add(-Math.log(((n * 7_919) % 2_003) / 2_003 + 1e-4));
    }
    expect(rare.value).toBeGreaterThan(7.5);
    expect(rare.value).toBeLessThan(10);
  });
});
