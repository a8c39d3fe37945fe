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
  expect(millisOf("by", duration)).toBe(ms);
});

test.each(["15", "m", "15 m", "-15m", "1e3s", "15min", "", Number.NaN, Number.POSITIVE_INFINITY, null, {}])(
  "[CL13] %s is not a duration",
  (wrong) => {
    // What a program without types may pass.
    expect(() => Reflect.apply(millisOf, undefined, ["by", wrong])).toThrow(/^by: must be milliseconds or a text such/);
  },
);
