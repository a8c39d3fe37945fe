import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  decodeOverview,
  encodeOverview,
  maxOverviewPoints,
  OverviewBuilder,
  type OverviewPoint,
  thinOverview,
} from "./overview.js";

function point(seq: number, price: number, event?: OverviewPoint["event"]): OverviewPoint {
  return { seq, ns: seq * 10, price, low: price, high: price, event };
}

function overviewOf(prices: readonly number[]): readonly OverviewPoint[] {
  const builder = new OverviewBuilder();
  prices.forEach((price, seq) => {
    builder.add(point(seq, price));
  });
  return builder.points;
}

describe("an overview", () => {
  test("[TP27] of a short tape has a point for each frame", () => {
    expect(overviewOf([3, 1, 2])).toEqual([point(0, 3), point(1, 1), point(2, 2)]);
  });

  test("[TP27] of any tape stays small, and covers each frame once", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 * maxOverviewPoints }), (frames) => {
        const prices = Array.from({ length: frames }, (_, seq) => (seq * 7919) % 1_000);
        const points = overviewOf(prices);
        expect(points.length).toBeLessThanOrEqual(maxOverviewPoints);
        points.forEach(({ seq, price, low, high }, at) => {
          const run = prices.slice(seq, points[at + 1]?.seq);
          expect([price, low, high]).toEqual([run[0], Math.min(...run), Math.max(...run)]);
        });
        expect(points[0]?.seq).toBe(0);
      }),
      { numRuns: 30 },
    );
  });

  test("[TP27] marks the gravest event of each point, the first of equals", () => {
    const event = (seq: number, severity: "low" | "high") => ({ seq, ns: seq * 10, type: "SPOOFING", severity });
    const points = [
      point(0, 1, event(0, "low")),
      point(1, 1, event(1, "high")),
      point(2, 1, event(2, "high")),
      point(3, 1),
    ];
    expect(thinOverview(points, 1).map(({ event: marked }) => marked?.seq)).toEqual([1]);
    expect(thinOverview(points, 2).map(({ event: marked }) => marked?.seq)).toEqual([1, 2]);
  });

  test("[TP27] reads back as it was written", () => {
    const types = ["LAYERING", "SPOOFING"];
    const points = [point(0, 100.25), point(4, 99.5, { seq: 5, ns: 50, type: "SPOOFING", severity: "critical" })];
    expect(
      decodeOverview(
        encodeOverview(points, (type) => types.indexOf(type)),
        types,
      ),
    ).toEqual(points);
  });
});
