import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type AxisGap, axisOf, gapsOf, seekableAt, steppedBy, timeLabels } from "./tape-axis";

const day = 86_400_000;

/** Seven windows of 32 s over 222 hours. */
const sparse = {
  span: { from: 0, to: 6 * 133_600_000 + 7 * 32_000 },
  gaps: Array.from({ length: 6 }, (_, nth) => gap(nth * 133_632_000 + 32_000, (nth + 1) * 133_632_000)),
};

function gap(fromMs: number, toMs: number): AxisGap {
  return { fromMs, toMs, reason: "no data" };
}

/** A tape of windows and gaps of any length, on a strip of any width, and places on it. */
const tapes = fc
  .tuple(
    fc.array(fc.tuple(fc.integer({ min: 0, max: day }), fc.integer({ min: 1, max: 30 * day })), { maxLength: 40 }),
    fc.integer({ min: 1000, max: day }),
    fc.integer({ min: 40, max: 3000 }),
    fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 2, maxLength: 20 }),
  )
  .map(([stretches, last, width, places]) => {
    const from = 1_700_000_000_000;
    let at = from;
    const gaps = stretches.map(([window, length]) => {
      const begin = at + window;
      at = begin + length;
      return gap(begin, at);
    });
    const span = { from, to: at + last };
    return { axis: axisOf(span, gaps, width), span, gaps, width, places: places.sort((a, b) => a - b) };
  });

describe("time and place on the scrubber", () => {
  test("[DB70] are monotonic and inverse to each other", () => {
    fc.assert(
      fc.property(tapes, ({ axis, span, width, places }) => {
        let [ms, x] = [-Infinity, -Infinity];
        for (const place of places) {
          const at = span.from + place * (span.to - span.from);
          expect(axis.xOf(at)).toBeGreaterThanOrEqual(x);
          expect(axis.msOf(place * width)).toBeGreaterThanOrEqual(ms);
          [x, ms] = [axis.xOf(at), axis.msOf(place * width)];
          // A pixel may stand for many days: so many ms as a millionth of it.
          expect(Math.abs(axis.msOf(axis.xOf(at)) - at)).toBeLessThan(1e-6 * (span.to - span.from) + 1);
          expect(axis.xOf(axis.msOf(place * width))).toBeCloseTo(place * width, 1);
        }
      }),
    );
  });

  test("[DB70] cover the whole strip and clamp values beyond it", () => {
    fc.assert(
      fc.property(tapes, ({ axis, span, width }) => {
        expect([axis.xOf(span.from), axis.xOf(span.from - 1)]).toEqual([0, 0]);
        expect(axis.xOf(span.to)).toBeCloseTo(width, 6);
        expect(axis.xOf(span.to + day)).toBeCloseTo(width, 6);
        expect([axis.msOf(-5), axis.msOf(0)]).toEqual([span.from, span.from]);
        expect(axis.msOf(width)).toBeCloseTo(span.to, 0);
        expect(axis.msOf(width + 5)).toBeCloseTo(span.to, 0);
      }),
    );
    expect(axisOf({ from: 100, to: 100 }, [], 200).xOf(100)).toBe(0);
  });

  test("[DB71] are proportional when gaps are a small part of the tape", () => {
    const span = { from: 1000, to: 301_000 };
    const [plain, gappy] = [axisOf(span, [], 1400), axisOf(span, [gap(20_000, 50_000), gap(90_000, 120_000)], 1400)];
    expect(gappy.breaks).toEqual([]);
    for (const ms of [1000, 20_000, 35_000, 300_999]) {
      expect(gappy.xOf(ms)).toBe(plain.xOf(ms));
      expect(gappy.xOf(ms)).toBeCloseTo(((ms - 1000) / 300_000) * 1400, 9);
    }
  });

  test("[DB71] give the recorded windows of a sparse tape nearly all of the strip, in one scale", () => {
    const { breaks, windows } = axisOf(sparse.span, sparse.gaps, 1400);
    expect(breaks.map(({ left, right }) => right - left)).toEqual(breaks.map(() => expect.closeTo(14, 6)));
    expect(windows.map(({ left, right }) => right - left)).toEqual(windows.map(() => expect.closeTo(188, 6)));
    expect([breaks.length, windows.length]).toEqual([6, 7]);
  });

  test("[DB71] leave at least half of the strip to windows, and three quarters of that to recorded time", () => {
    fc.assert(
      fc.property(tapes, ({ axis, span, gaps, width }) => {
        const silent = gaps.reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0);
        const recorded = span.to - span.from - silent;
        const broken = axis.breaks.reduce((sum, { left, right }) => sum + right - left, 0);
        expect(broken).toBeLessThanOrEqual(width / 2 + 1e-6);
        const drawn = axis.windows.reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0);
        expect(recorded / drawn).toBeGreaterThanOrEqual(0.75 - 1e-9);
      }),
    );
  });

  test("[DB72] lead to the nearer end of a break, and a step by key crosses it", () => {
    const axis = axisOf(sparse.span, sparse.gaps, 1400);
    const [first] = sparse.gaps;
    expect(seekableAt(axis, 188 + 3)).toBe(first?.fromMs);
    expect(seekableAt(axis, 188 + 11)).toBe(first?.toMs);
    expect(seekableAt(axis, 94)).toBeCloseTo(16_000, 6);
    expect(steppedBy(axis, first?.fromMs ?? 0, 7)).toBe(first?.toMs);
    expect(steppedBy(axis, first?.toMs ?? 0, -7)).toBe(first?.fromMs);
    // Key by key from one end to the other, and through every window.
    let [ms, steps] = [0, 0];
    const visited = new Set<number>();
    for (; ms < sparse.span.to && steps < 400; steps++) {
      ms = steppedBy(axis, ms, 7);
      visited.add(axis.windows.findIndex(({ fromMs, toMs }) => ms >= fromMs && ms <= toMs));
    }
    expect([...visited].sort()).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(steps).toBeLessThan(200);
  });

  test("[DB72] end a gap at the first frame after it, whatever decimals its time has", () => {
    const times = ["2024-01-01T00:00:01.250Z", "2024-01-01T00:00:01.250000Z", "2024-01-01T00:00:01.250000100Z"];
    const gaps = times.map((to) => ({ from: "2024-01-01T00:00:00.000Z", to, reason: "" }));
    expect(gapsOf({ gaps }).map(({ toMs }) => toMs % 1000)).toEqual([250, 250, 251]);
  });

  test("[DB73] label each window between breaks with its date, and labels do not overlap", () => {
    const widthOf = (text: string) => text.length * 5.5;
    for (const width of [1400, 900, 380]) {
      const axis = axisOf(sparse.span, sparse.gaps, width);
      const labels = timeLabels(axis, widthOf);
      labels.forEach(({ left, text }, nth) => {
        expect(left + widthOf(text)).toBeLessThanOrEqual(labels[nth + 1]?.left ?? width);
      });
      if (width > 800) expect(labels.filter(({ text }) => text.startsWith("1970-01-")).length).toBe(7);
    }
  });
});
