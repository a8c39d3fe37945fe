import { expect, test } from "vitest";
import { FrameCounter } from "./session-stats.js";

test("[CL8] frames per second are those of the last full second", () => {
  const counter = new FrameCounter();
  for (let ms = 10_000; ms < 11_000; ms += 100) counter.count(0, ms);
  expect(counter.perSecond(10_999)).toBe(0);
  expect(counter.perSecond(11_000)).toBe(10);
  expect(counter.perSecond(11_999)).toBe(10);
  expect(counter.perSecond(12_000)).toBe(0);
});
