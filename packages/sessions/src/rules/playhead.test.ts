import { timelineOf } from "@tapedeck/tape";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createdSession, noon } from "../testing/apply-command.js";
import { shelf, steadyTape, syntheticTape } from "../testing/synthetic-tape.js";
import { playheadAt, positionAt, wallAt } from "./playhead.js";

const second = 1e9;

test("[D1] the playhead moves at the session's speed, and stands when it does not play", async () => {
  const tape = steadyTape(100);
  const session = await createdSession(shelf(tape), { start: true, speed: 2.5 });
  expect(playheadAt(session, noon + 1000, tape)).toBe(2.5 * second);
  expect(await positionAt(session, noon + 1010, tape)).toEqual({ seq: 25, ns: 2.525 * second });
  expect(playheadAt(session, noon - 50, tape)).toBe(0); // another node's clock is a little behind
  expect(playheadAt({ ...session, parked: true }, noon + 1000, tape)).toBe(0);
  expect(playheadAt({ ...session, state: "PAUSED" }, noon + 1000, tape)).toBe(0);
});

test("[D2] it stops at the end of the range and of the tape", async () => {
  const tape = steadyTape(100);
  const session = await createdSession(shelf(tape), { start: true });
  expect(playheadAt(session, noon + 3600_000, tape)).toBe(9.9 * second);
  expect(playheadAt({ ...session, toNs: 3.05 * second }, noon + 3600_000, tape)).toBe(3.05 * second);
  expect(await positionAt({ ...session, toNs: 3.05 * second }, noon + 3600_000, tape)).toMatchObject({ seq: 30 });
});

test("[D4] a skipped gap takes a second, a kept one its own time", async () => {
  const gaps = [{ afterSeq: 1, fromNs: second, toNs: 61 * second, reason: "silence" }];
  const times = [0, second, 61 * second, 62 * second];
  const skipping = syntheticTape({ times, timeline: timelineOf(gaps, "skip") });
  const session = await createdSession(shelf(skipping), { start: true });
  expect(await positionAt(session, noon + 1999, skipping)).toEqual({ seq: 1, ns: second });
  expect(await positionAt(session, noon + 2000, skipping)).toEqual({ seq: 2, ns: 61 * second });
  const keeping = syntheticTape({ times, timeline: timelineOf(gaps, "keep") });
  expect(await positionAt(session, noon + 2000, keeping)).toEqual({ seq: 1, ns: 2 * second });
  expect(await positionAt(session, noon + 61_000, keeping)).toEqual({ seq: 2, ns: 61 * second });
});

test("[D1] wallAt says when the playhead is where", async () => {
  const tape = steadyTape(1000);
  const session = await createdSession(shelf(tape), { start: true });
  const timeline = tape.timeline("skip");
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 99 * second }),
      fc.double({ min: 0.1, max: 1000, noNaN: true }),
      (ns, speed) => {
        const at = wallAt({ ...session, speed }, ns, timeline);
        // A double holds milliseconds since 1970 to about a quarter of a microsecond.
        expect(Math.abs(playheadAt({ ...session, speed }, at, tape) - ns)).toBeLessThanOrEqual(1 + 300 * speed);
      },
    ),
  );
});
