import type { Frame } from "@tapedeck/protocol";
import { expect, test } from "vitest";
import { FrameLog } from "../../playback/frame-log";
import { clustersOf } from "./clusters";
import { DepthColumns, rows, slotOf } from "./columns/depth-columns";
import { gridAround, gridFits, niceStep, pricesWithin, roundPrices } from "./columns/price-grid";

const prices = { low: 90, high: 110 };

function frame(seq: number, bids: [number, number][], trades: Frame["trades"] = []): Frame {
  return {
    type: "snapshot",
    seq,
    timestamp: new Date(1_700_000_000_000 + seq * 100).toISOString(),
    symbol: "X",
    bids,
    asks: [[101, 2]],
    mid_price: 100.5,
    microprice: 100.5,
    best_bid: 100,
    best_ask: 101,
    spread: 1,
    q_bid: 1,
    q_ask: 1,
    updates: 1,
    trades,
    trade_classified: trades.length > 0,
    anomalies: [],
  };
}

test("[DB44] brightness grows with size, at the row of the price, and rows without a level are dark", () => {
  const log = new FrameLog();
  log.append(
    frame(0, [
      [100, 5],
      [99, 1],
      [98, 0],
    ]),
    1,
  );
  const columns = new DepthColumns();
  const grid = gridAround({ low: 90, high: 110 }, 0.5, 100, rows);
  const written: number[] = [];
  columns.update({ log, grid, prices, deep: undefined }, (slot) => written.push(slot));
  const slot = slotOf(log, 0);
  expect(written).toEqual([slot]);
  const at = (price: number) => columns.bytes[slot * rows + Math.floor((price - grid.base) / grid.step)] ?? 0;
  expect(at(100)).toBeGreaterThan(at(101));
  expect(at(101)).toBeGreaterThan(at(99));
  expect(at(99)).toBeGreaterThan(0);
  expect([at(98), at(97), at(102)]).toEqual([0, 0, 0]);
});

test("[DB44] only new frames are written, or all of them after the grid or the log changed", () => {
  const log = new FrameLog();
  for (let seq = 0; seq < 5; seq++) log.append(frame(seq, [[100, 1]]), 1);
  const columns = new DepthColumns();
  const grid = gridAround({ low: 90, high: 110 }, 0.5, 100, rows);
  const count = (use = grid) => {
    let written = 0;
    columns.update({ log, grid: use, prices, deep: undefined }, () => written++);
    return written;
  };
  expect(count()).toBe(5);
  expect(count()).toBe(0);
  log.append(frame(5, [[100, 1]]), 1);
  expect(count()).toBe(1);
  log.append(frame(3, [[100, 1]]), 2);
  expect(count()).toBe(4);
  expect(count(gridAround({ low: 80, high: 120 }, 0.5, 100, rows))).toBe(4);
});

test("[DB44] a grid is kept until the price leaves it or the zoom changes a lot", () => {
  const span = { low: 28_000, high: 28_010 };
  const grid = gridAround(span, 0.1, 150, rows);
  expect(gridFits(grid, span, 0.1, 150)).toBe(true);
  expect(gridFits(grid, { low: 28_004, high: 28_014 }, 0.1, 150)).toBe(true);
  expect(gridFits(grid, { low: 29_000, high: 29_010 }, 0.1, 150)).toBe(false);
  expect(gridFits(grid, { low: 27_960, high: 28_050 }, 0.1, 150)).toBe(false);
});

test("[DB44] steps are round multiples of the tick", () => {
  expect(niceStep(0.26, 0.1)).toBeCloseTo(0.5);
  expect(niceStep(0.01, 0.1)).toBeCloseTo(0.1);
  expect(niceStep(3400, 0.1)).toBeCloseTo(5000);
  expect(roundPrices({ low: 0.1, high: 1.04 }, 5)).toEqual([0.2, 0.4, 0.6000000000000001, 0.8, 1]);
  expect(roundPrices({ low: 1, high: 1 }, 5)).toEqual([]);
});

test("[DB43] prices from before a gap are not shown after it", () => {
  const log = new FrameLog();
  const at = (seq: number, mid: number): Frame => ({
    ...frame(seq, [[mid - 1, 1]]),
    mid_price: mid,
    asks: [[mid + 1, 1]],
  });
  log.append(at(0, 100), 1);
  log.append({ ...at(600, 500), gap_before_ms: 59_900 }, 1);
  log.append(at(601, 501), 1);
  const start = 1_700_000_000_000;
  const within = (from: number, to: number) => pricesWithin(log, { from: start + from, to: start + to });
  expect(within(50_000, 61_000)?.low).toBeGreaterThan(490);
  expect(within(60_050, 61_000)?.low).toBeGreaterThan(490);
  expect(within(-1000, 61_000)?.low).toBeLessThan(100);
  // A window within the gap, and one before all frames.
  expect(within(10_000, 20_000)?.low).toBeLessThan(100);
  expect(within(-20_000, -10_000)).toBeUndefined();
});

test("[DB41] the trades of a frame are one disc per side at their mean price, with the user's own trades apart", () => {
  const trade = { timestamp: "2023-11-14T22:13:20.000Z", size: 1, side: "buy" } as const;
  const trades: Frame["trades"] = [
    { ...trade, price: 100 },
    { ...trade, price: 104, size: 3 },
    { ...trade, price: 101, own: true },
    { ...trade, price: 99, side: "sell" },
  ];
  const found = clustersOf({ frame: frame(0, [[100, 1]], trades), ms: 5, epoch: 1 });
  expect(found.map(({ price, size, side, own }) => [price, size, side, own])).toEqual([
    [103, 4, "buy", false],
    [101, 1, "buy", true],
    [99, 1, "sell", false],
  ]);
});
