import type { FrameHead } from "@tapedeck/sessions";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  advanceToFrame,
  advanceToState,
  type DeliveryCursor,
  type DeliveryDecision,
  decideDelivery,
  isNewer,
} from "./delivery-rule.js";

const cursor: DeliveryCursor = { epoch: 20, rev: 5, lastSeq: 100 };
const frame = (head: Partial<FrameHead>): FrameHead => ({
  kind: "F",
  epoch: 20,
  rev: 5,
  prev: 100,
  seq: 101,
  body: 0,
  ...head,
});

describe("the delivery rule", () => {
  const cases: [rule: string, Partial<FrameHead>, DeliveryDecision][] = [
    ["[G1] forwards a frame that continues at the cursor", {}, "forward"],
    ["[G1] forwards a message that merges several frames", { seq: 130 }, "forward"],
    ["[G2] drops frames of a ticker that lost its lease and renders from an old revision", { rev: 4 }, "stale"],
    ["[G2] drops frames of a ticker that does not know of a seek", { epoch: 19, rev: 4, prev: 500, seq: 501 }, "stale"],
    ["[G2] drops frames of an earlier epoch whatever their revision", { epoch: 19, rev: 9 }, "stale"],
    ["[G3] drops what the second of two tickers publishes", { prev: 99, seq: 100 }, "duplicate"],
    ["[G3] drops what a ticker repeats that continued from a checkpoint", { prev: 40, seq: 60 }, "duplicate"],
    ["[G3] renders the new part of a message that overlaps", { prev: 90, seq: 110 }, "catch-up"],
    ["[G4] renders what a lost message had", { prev: 103, seq: 104 }, "catch-up"],
    ["[G4] renders what lies between the history and the first published frame", { prev: 140, seq: 141 }, "catch-up"],
    ["[G5] rereads the session if a state is missing", { rev: 6 }, "reread"],
    ["[G5] rereads the session if a whole epoch is missing", { epoch: 21, rev: 6, prev: 3, seq: 4 }, "reread"],
    ["[G5] rereads a session created again, whose revisions restart", { epoch: 21, rev: 1, prev: 0, seq: 1 }, "reread"],
  ];
  test.each(cases)("%s", (_, head, decision) => {
    expect(decideDelivery(cursor, frame(head))).toBe(decision);
  });
});

test("[G9] a revision is newer only by a higher epoch, or a higher rev within its epoch", () => {
  expect(isNewer(cursor, { epoch: 20, rev: 5 })).toBe(false);
  expect(isNewer(cursor, { epoch: 20, rev: 4 })).toBe(false);
  expect(isNewer(cursor, { epoch: 19, rev: 9 })).toBe(false);
  expect(isNewer(cursor, { epoch: 20, rev: 6 })).toBe(true);
  expect(isNewer(cursor, { epoch: 21, rev: 1 })).toBe(true);
});

test("[G6] a state moves the cursor up to its frame, and never back within an epoch", () => {
  const to = (epoch: number, lastSeq: number) => advanceToState(cursor, { epoch, rev: 6, lastSeq });
  expect(to(20, 104)).toEqual({ epoch: 20, rev: 6, lastSeq: 104 });
  expect(to(20, 97)).toEqual({ epoch: 20, rev: 6, lastSeq: 100 });
  expect(to(21, 7)).toEqual({ epoch: 21, rev: 6, lastSeq: 7 });
});

test("[G3] whatever is published in whatever order, each frame is delivered once and in order", () => {
  const message = fc.record({
    epoch: fc.integer({ min: 19, max: 21 }),
    rev: fc.integer({ min: 3, max: 7 }),
    prev: fc.integer({ min: 90, max: 130 }),
    frames: fc.integer({ min: 1, max: 8 }),
  });
  fc.assert(
    fc.property(fc.array(message, { maxLength: 60 }), (messages) => {
      let present = cursor;
      for (const { prev, frames, ...revision } of messages) {
        const head = frame({ ...revision, prev, seq: prev + frames });
        const decision = decideDelivery(present, head);
        if (decision !== "forward" && decision !== "catch-up") continue;
        const after = advanceToFrame(present, head.seq);
        expect(revision).toEqual({ epoch: present.epoch, rev: present.rev });
        expect(after.lastSeq).toBeGreaterThan(present.lastSeq);
        if (decision === "forward") expect(prev).toBe(present.lastSeq);
        present = after;
      }
    }),
  );
});
