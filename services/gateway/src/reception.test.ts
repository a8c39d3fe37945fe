import type { FrameHead } from "@tapedeck/sessions";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isNews, judge, passed, type Reception, takeIn, type Verdict } from "./reception.js";

const heard: Reception = { epoch: 20, rev: 5, last: 100 };
const frame = (head: Partial<FrameHead>): FrameHead => ({
  kind: "F",
  epoch: 20,
  rev: 5,
  prev: 100,
  seq: 101,
  body: 0,
  ...head,
});

describe("what a frame is worth", () => {
  const cases: [rule: string, Partial<FrameHead>, Verdict][] = [
    ["[G1] one that follows on the last is forwarded", {}, "forward"],
    ["[G1] a conflated one too", { seq: 130 }, "forward"],
    ["[G2] a ticker that lost its lease renders from an old revision", { rev: 4 }, "stale"],
    ["[G2] so does one that has not heard of a seek", { epoch: 19, rev: 4, prev: 500, seq: 501 }, "stale"],
    ["[G2] an earlier epoch is stale whatever its revision", { epoch: 19, rev: 9 }, "stale"],
    ["[G3] of two tickers at once the second repeats", { prev: 99, seq: 100 }, "repeat"],
    ["[G3] a ticker that went on from a checkpoint repeats", { prev: 40, seq: 60 }, "repeat"],
    ["[G3] an overlap brings news", { prev: 90, seq: 110 }, "heal"],
    ["[G4] a lost message leaves a hole", { prev: 103, seq: 104 }, "heal"],
    ["[G4] history and the first frame heard need not meet", { prev: 140, seq: 141 }, "heal"],
    ["[G5] a state was missed", { rev: 6 }, "ahead"],
    ["[G5] a whole epoch was missed", { epoch: 21, rev: 6, prev: 3, seq: 4 }, "ahead"],
    ["[G5] an id that was made again counts its revisions anew", { epoch: 21, rev: 1, prev: 0, seq: 1 }, "ahead"],
  ];
  test.each(cases)("%s", (_, head, verdict) => {
    expect(judge(heard, frame(head))).toBe(verdict);
  });
});

test("[G9] only a later revision is news", () => {
  expect(isNews(heard, { epoch: 20, rev: 5 })).toBe(false);
  expect(isNews(heard, { epoch: 20, rev: 4 })).toBe(false);
  expect(isNews(heard, { epoch: 19, rev: 9 })).toBe(false);
  expect(isNews(heard, { epoch: 20, rev: 6 })).toBe(true);
  expect(isNews(heard, { epoch: 21, rev: 1 })).toBe(true);
});

test("[G6] a state brings up to the frame it names, and takes back none that was heard", () => {
  expect(takeIn(heard, { epoch: 20, rev: 6, seq: 104 })).toEqual({ epoch: 20, rev: 6, last: 104 });
  expect(takeIn(heard, { epoch: 20, rev: 6, seq: 97 })).toEqual({ epoch: 20, rev: 6, last: 100 });
  expect(takeIn(heard, { epoch: 21, rev: 6, seq: 7 })).toEqual({ epoch: 21, rev: 6, last: 7 });
});

test("[G3] whatever is published, in whatever order, each frame is let through once and in order", () => {
  const message = fc.record({
    epoch: fc.integer({ min: 19, max: 21 }),
    rev: fc.integer({ min: 3, max: 7 }),
    prev: fc.integer({ min: 90, max: 130 }),
    frames: fc.integer({ min: 1, max: 8 }),
  });
  fc.assert(
    fc.property(fc.array(message, { maxLength: 60 }), (messages) => {
      let reception = heard;
      for (const { prev, frames, ...revision } of messages) {
        const head = frame({ ...revision, prev, seq: prev + frames });
        const verdict = judge(reception, head);
        if (verdict !== "forward" && verdict !== "heal") continue;
        const after = passed(reception, head);
        expect(revision).toEqual({ epoch: reception.epoch, rev: reception.rev });
        expect(after.last).toBeGreaterThan(reception.last);
        if (verdict === "forward") expect(prev).toBe(reception.last);
        reception = after;
      }
    }),
  );
});
