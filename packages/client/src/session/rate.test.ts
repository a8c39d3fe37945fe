import { expect, test } from "vitest";
import { Rate } from "./rate.js";

test("[CL8] frames a second are those of the last full second", () => {
  const rate = new Rate();
  for (let ms = 10_000; ms < 11_000; ms += 100) rate.count(ms);
  expect(rate.perSecond(10_999)).toBe(0);
  expect(rate.perSecond(11_000)).toBe(10);
  expect(rate.perSecond(11_999)).toBe(10);
  expect(rate.perSecond(12_000)).toBe(0);
});
