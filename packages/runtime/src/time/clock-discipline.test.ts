import fc from "fast-check";
import { expect, test } from "vitest";
import { ClockDiscipline, jumpMs } from "./clock-discipline.js";

const offset = 1_700_000_000_000;

/** An answer that spent `there` ms on its way to Redis and `back` ms on its way home. */
function sample(sentAt: number, there: number, back: number, ahead = 0) {
  return { sentAt, receivedAt: sentAt + there + back, redisMs: sentAt + there + offset + ahead };
}

test("[R10] the clock uses the sample with the shortest way back", () => {
  const clock = new ClockDiscipline(sample(0, 1, 30));
  expect(clock.at(31) - 31 - offset).toBeCloseTo(-30, 3);
  for (let at = 1000; at <= 4000; at += 1000) clock.add(sample(at, 40, 0.1));
  expect(clock.at(4041) - 4041 - offset).toBeCloseTo(-0.1, 3);
});

test("[R10] the clock is not ahead when all answers were slow", () => {
  const clock = new ClockDiscipline(sample(0, 10, 190));
  for (let at = 200; at <= 1000; at += 200) clock.add(sample(at, 5, 180));
  for (const later of [1, 500, 5000]) expect(clock.at(1185 + later)).toBeLessThanOrEqual(1185 + later + offset);
});

test("[R10] the clock never runs backwards or stands still, is never ahead, and late by at most one way back", () => {
  const trip = fc.double({ min: 0.05, max: 40, noNaN: true });
  fc.assert(
    fc.property(
      fc.array(fc.record({ wait: fc.double({ min: 1, max: 1500, noNaN: true }), there: trip, back: trip })),
      (rounds) => {
        let at = 80;
        const clock = new ClockDiscipline(sample(0, 40, 40));
        let shown = clock.at(at);
        for (const { wait, there, back } of rounds) {
          clock.add(sample(at, there, back));
          at += Math.max(wait, there + back);
          const now = clock.at(at);
          expect(now).toBeGreaterThan(shown);
          expect(now - at - offset).toBeLessThanOrEqual(0.001);
          expect(now - at - offset).toBeGreaterThanOrEqual(-40.001);
          shown = now;
        }
      },
    ),
  );
});

test.each([+80, -80, +5000, -5000])(
  "[R11] a jump of %d ms is taken at once when a second sample confirms it",
  (jump) => {
    const clock = new ClockDiscipline(sample(0, 0.1, 0.1));
    expect(clock.add(sample(1000, 0.1, 0.1, jump))).toBe(0);
    expect(clock.jumpUnconfirmed).toBe(true);
    expect(clock.at(1001)).toBeCloseTo(1000.9 + offset, 1);
    expect(clock.add(sample(1050, 0.1, 0.1, jump))).toBeCloseTo(jump, 1);
    expect(clock.jumpUnconfirmed).toBe(false);
    expect(clock.at(1051)).toBeCloseTo(1050.9 + offset + jump, 1);
  },
);

test("[R11] after answers that all came late, the first that comes in time sets the clock right, and is no jump", () => {
  const clock = new ClockDiscipline(sample(0, 0.1, 90));
  for (let at = 1000; at <= 20_000; at += 1000) clock.add(sample(at, 0.1, 90));
  expect(clock.at(20_091) - 20_091 - offset).toBeCloseTo(-90, 1);
  expect(clock.add(sample(21_000, 0.1, 0.1))).toBe(0);
  expect(clock.jumpUnconfirmed).toBe(false);
  expect(clock.at(21_001) - 21_001 - offset).toBeCloseTo(-0.1, 1);
});

test("[R11] a single slow answer is not a jump", () => {
  const clock = new ClockDiscipline(sample(0, 0.1, 0.1));
  expect(clock.add(sample(1000, 400, 0.1))).toBe(0); // could be 400 ms of travel
  expect(clock.jumpUnconfirmed).toBe(false);
  expect(clock.at(1401) - 1401 - offset).toBeLessThan(jumpMs / 10);
});
