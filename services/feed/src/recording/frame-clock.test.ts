import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { FrameClock } from "./frame-clock.js";

beforeEach(() => {
  vi.useFakeTimers({ now: Date.UTC(2026, 0, 1) + 37 });
});
afterEach(() => {
  vi.useRealTimers();
});

test("[FD8] the frames of all feeds close together, at whole multiples of the interval on the cluster's clock", () => {
  const clock = new FrameClock(100, () => Date.now());
  const closed: string[] = [];
  const stop = clock.onInterval(() => closed.push(`a ${Date.now() % 1000}`));
  clock.onInterval(() => closed.push(`b ${Date.now() % 1000}`));
  vi.advanceTimersByTime(200);
  expect(closed).toEqual(["a 100", "b 100", "a 200", "b 200"]);
  stop();
  vi.advanceTimersByTime(100);
  expect(closed.slice(4)).toEqual(["b 300"]);
});

test("[FD8] an early timer ends no interval twice, and missed intervals are not made up", () => {
  let early = 0;
  const clock = new FrameClock(100, () => Date.now() - early);
  const closed: number[] = [];
  const stop = clock.onInterval(() => closed.push(Date.now() % 1000));
  early = 1; // the clock was set back by a millisecond
  vi.advanceTimersByTime(300);
  expect(closed).toEqual([100, 201, 301]);
  stop();
  expect(vi.getTimerCount()).toBe(0);
});
