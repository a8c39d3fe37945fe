import { describe, expect, test } from "vitest";
import type { BookLevel } from "../../book/order-book.js";
import type { FrameMoment, MarketTrade } from "../../frame/frame-analytics.js";
import type { Alert } from "../alert-throttle.js";
import { detectorInput, ladder, momentAt } from "../testing.js";
import { relative } from "../thresholds.js";
import { Layering } from "./layering.js";

// Ten bids from 100 down and ten asks from 101 up, 10 units each: the mean best size is 10.

type Trade = Pick<MarketTrade, "price" | "size" | "side">;
type Sizes = Readonly<Record<number, number>>;

/** From `second` on, prices in `sizes` have that size instead of 10, until the next change. */
interface Change {
  readonly second: number;
  readonly sizes: Sizes;
  readonly best?: number;
  /** Trades in the frame of that second. */
  readonly trades?: readonly Trade[];
}

function side(best: number, step: 1 | -1, sizes: Sizes): BookLevel[] {
  return ladder(best, step, Array(10).fill(10)).map(([price]) => [price, sizes[price] ?? 10]);
}

/** Alerts of 16 s; changes come after the first 6, in which the detector learns the mean size. */
function alertsOf(...changes: readonly Change[]): Alert[] {
  const detector = new Layering(relative.layering);
  const alerts: Alert[] = [];
  let before: FrameMoment | undefined;
  for (let tenth = 0; tenth < 160; tenth++) {
    const now = changes.findLast(({ second }) => Math.round(second * 10) <= tenth);
    const { sizes = {}, best = 100, second = 0, trades = [] } = now ?? {};
    const traded = Math.round(second * 10) === tenth ? trades : [];
    const moment = momentAt(tenth / 10, side(best, -1, sizes), side(best + 1, 1, sizes), traded);
    detector.detect(detectorInput(moment, before), (alert) => alerts.push(alert));
    before = moment;
  }
  return alerts;
}

/** 10 units, the mean best size, on three levels behind the best bid. */
const wall: Sizes = { 99: 20, 98: 20, 97: 20 };
const gone: Change = { second: 8, sizes: {} };
const sold = (size: number): Trade => ({ price: 97, size, side: "sell" });

describe("[AN17] a wall", () => {
  test("is three levels that appear together and disappear together", () => {
    expect(alertsOf({ second: 6, sizes: wall }, gone)).toEqual([
      {
        type: "LAYERING",
        severity: "low",
        message: "Several bid levels grow at once and are taken back together",
        // 30 units are three times the mean best size.
        fields: { side: "BID", score: 3, large_order_count: 3 },
      },
    ]);
  });

  test("may be of asks", () => {
    const [alert] = alertsOf({ second: 6, sizes: { 102: 20, 103: 30, 104: 20, 105: 20 } }, gone);
    expect(alert?.fields).toEqual({ side: "ASK", score: 5, large_order_count: 4 });
  });

  test.each([
    ["low", 51],
    ["medium", 52],
    // 6.5 best sizes a level.
    ["high", 75],
  ])("is %s with levels of %i", (severity, size) => {
    const [alert] = alertsOf({ second: 6, sizes: { 99: size, 98: size, 97: size } }, gone);
    expect(alert?.severity).toBe(severity);
  });

  test.each<[string, number, readonly Change[]]>([
    ["not two levels", 0, [{ second: 6, sizes: { 99: 20, 98: 20 } }, gone]],
    ["not one of levels that gain 9", 0, [{ second: 6, sizes: { 99: 19, 98: 19, 97: 19 } }, gone]],
    ["one that comes within 0.1 s", 1, [{ second: 6, sizes: { 99: 20, 98: 20 } }, { second: 6.1, sizes: wall }, gone]],
    ["not one that takes 0.2 s", 0, [{ second: 6, sizes: { 99: 20, 98: 20 } }, { second: 6.2, sizes: wall }, gone]],
    [
      "one that goes within 0.1 s",
      1,
      [
        { second: 6, sizes: wall },
        { second: 8, sizes: { 99: 20 } },
        { second: 8.1, sizes: {} },
      ],
    ],
    [
      "not one that takes 0.2 s to go",
      0,
      [
        { second: 6, sizes: wall },
        { second: 8, sizes: { 99: 20 } },
        { second: 8.2, sizes: {} },
      ],
    ],
    [
      "one that stays for 6 s",
      1,
      [
        { second: 6, sizes: wall },
        { second: 12, sizes: {} },
      ],
    ],
    [
      "not one that stays longer",
      0,
      [
        { second: 6, sizes: wall },
        { second: 12.1, sizes: {} },
      ],
    ],
    [
      "one of whose 10 a level 2 stay",
      1,
      [
        { second: 6, sizes: wall },
        { second: 8, sizes: { 99: 12, 98: 12, 97: 12 } },
      ],
    ],
    [
      "not one of which 3 stay",
      0,
      [
        { second: 6, sizes: wall },
        { second: 8, sizes: { 99: 13, 98: 13, 97: 13 } },
      ],
    ],
    [
      "one of which 4 a level are sold to",
      1,
      [
        { second: 6, sizes: wall },
        { ...gone, trades: [sold(4)] },
      ],
    ],
    [
      "not one of which 5 are",
      0,
      [
        { second: 6, sizes: wall },
        { ...gone, trades: [sold(5)] },
      ],
    ],
    // 12 of its 30 units are 0.4 of them.
    [
      "one of which 11 units come elsewhere",
      1,
      [
        { second: 6, sizes: wall },
        { second: 8, sizes: { 95: 21 } },
      ],
    ],
    [
      "not one of which 12 do",
      0,
      [
        { second: 6, sizes: wall },
        { second: 8, sizes: { 95: 16, 94: 16 } },
      ],
    ],
    ["one that one level of the other side comes with", 1, [{ second: 6, sizes: { ...wall, 102: 20 } }, gone]],
    ["not one that both sides have", 0, [{ second: 6, sizes: { ...wall, 102: 20, 103: 20, 104: 20 } }, gone]],
    [
      "not one that comes with a new best price",
      0,
      [
        { second: 6, sizes: wall, best: 101 },
        { ...gone, best: 101 },
      ],
    ],
  ])("is %s: %i alerts", (_, count, changes) => {
    expect(alertsOf(...changes)).toHaveLength(count);
  });
});
