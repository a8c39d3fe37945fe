import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Gap } from "../tape.js";
import { GrowingTimeline, timelineOf } from "./timeline.js";

const second = 1e9;

function gap(from: number, to: number): Gap {
  return { afterSeq: 0, fromNs: from * second, toNs: to * second, reason: "silence" };
}

/** Ascending gaps of 0 to 20 s that lie up to 20 s apart, or touch. */
const gaps = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 1, max: 20 })), { maxLength: 6 })
  .map((pairs) => {
    let at = 0;
    return pairs.map(([before, length]) => {
      const from = at + before;
      at = from + length;
      return gap(from, at);
    });
  });

describe("playing time", () => {
  test("[TP30] is tape time where gaps are kept, or none is longer than 5 s", () => {
    for (const timeline of [timelineOf([gap(10, 70)], "keep"), timelineOf([gap(10, 15)], "skip")]) {
      expect(timeline.playingOf(80 * second)).toBe(80 * second);
      expect(timeline.tapeOf(80 * second)).toBe(80 * second);
    }
  });

  test("[TP31] counts 1 s for a marked gap of more than 5 s", () => {
    const timeline = timelineOf([gap(10, 70), gap(80, 83), gap(90, 100)], "skip");
    expect(timeline.playingOf(10 * second)).toBe(10 * second);
    expect(timeline.playingOf(70 * second)).toBe(11 * second);
    expect(timeline.playingOf(83 * second)).toBe(24 * second);
    expect(timeline.playingOf(100 * second)).toBe(32 * second);
    expect(timeline.tapeOf(11 * second)).toBe(70 * second);
    expect(timeline.tapeOf(32 * second)).toBe(100 * second);
  });

  test("[TP32] inside a skipped gap stands at its beginning until its second has passed", () => {
    const timeline = timelineOf([gap(10, 70)], "skip");
    expect(timeline.tapeOf(10.999 * second)).toBe(10 * second);
    expect(timeline.playingOf(40 * second)).toBe(10 * second);
    expect(timeline.playingOf(70 * second - 1)).toBe(10 * second);
  });

  test("[TP33] grows with tape time, and leads back to the same place on the tape", () => {
    fc.assert(
      fc.property(gaps, fc.array(fc.integer({ min: 0, max: 300 * second }), { minLength: 2 }), (marked, times) => {
        const timeline = timelineOf(marked, "skip");
        const skipped = marked.filter(({ fromNs, toNs }) => toNs - fromNs > 5 * second);
        let before = 0;
        for (const ns of times.sort((a, b) => a - b)) {
          const playing = timeline.playingOf(ns);
          expect(playing).toBeGreaterThanOrEqual(before);
          const inside = skipped.find(({ fromNs, toNs }) => ns >= fromNs && ns < toNs);
          expect(timeline.tapeOf(playing)).toBe(inside ? inside.fromNs : ns);
          before = playing;
        }
      }),
    );
  });

  test("[TP33] leads to whole nanoseconds", () => {
    const timeline = timelineOf([gap(10, 70)], "skip");
    expect(timeline.tapeOf(1.75)).toBe(1);
    expect(timeline.tapeOf(11 * second + 0.5)).toBe(70 * second);
  });
});

describe("the playing time of a growing tape", () => {
  const times = Array.from({ length: 800 }, (_, at) => (at * second) / 4);

  test("[TP34] is that of all gaps so far, whenever it was asked for", () => {
    fc.assert(
      fc.property(gaps, fc.constantFrom("skip", "keep"), (all, policy) => {
        const growing = new GrowingTimeline(policy);
        for (let known = 0; known <= all.length; known++) {
          const expected = timelineOf(all.slice(0, known), policy);
          for (const time of times) {
            expect(growing.playingOf(time)).toBe(expected.playingOf(time));
            expect(growing.tapeOf(time)).toBe(expected.tapeOf(time));
          }
          const next = all[known];
          if (next !== undefined) growing.add(next);
        }
      }),
      { numRuns: 30 },
    );
  });

  test("[TP34] stays what it was where gaps before the tape's beginning are forgotten", () => {
    fc.assert(
      fc.property(gaps, fc.nat({ max: 200 }), (all, from) => {
        const growing = new GrowingTimeline("skip");
        const expected = timelineOf(all, "skip");
        for (const one of all) growing.add(one);
        // Frames lie outside of gaps, or at their ends, so a tape begins there.
        const begins = Math.max(
          0,
          ...all.map(({ fromNs, toNs }) => (fromNs < from * second ? toNs : 0)),
          from * second,
        );
        growing.dropBefore(begins);
        for (const time of times.filter((each) => each >= begins)) {
          expect(growing.playingOf(time)).toBe(expected.playingOf(time));
          expect(growing.tapeOf(expected.playingOf(time))).toBe(expected.tapeOf(expected.playingOf(time)));
        }
      }),
      { numRuns: 100 },
    );
  });
});
