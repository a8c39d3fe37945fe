import { expect, test } from "vitest";
import { type Duration, millisOf } from "./duration.js";

test.each<[Duration, number]>([
  [1500, 1500],
  ["250ms", 250],
  ["90s", 90_000],
  ["15m", 900_000],
  ["1.5h", 5_400_000],
  ["2d", 172_800_000],
])("[CL13] %s is %d ms", (duration, ms) => {
  expect(millisOf(duration)).toBe(ms);
});

test.each(["15", "m", "15 m", "-15m", "1e3s", "15min", "", Number.NaN, Number.POSITIVE_INFINITY])(
  "[CL13] %s is no duration",
  (wrong) => {
    // What a program without types may pass.
    expect(() => Reflect.apply(millisOf, undefined, [wrong])).toThrow(/is no duration/);
  },
);
