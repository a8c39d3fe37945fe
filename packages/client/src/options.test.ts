import { expect, test } from "vitest";
import { type Duration, durationMs } from "./options.js";

test.each<[Duration, number]>([
  [1500, 1500],
  ["250ms", 250],
  ["90s", 90_000],
  ["15m", 900_000],
  ["1.5h", 5_400_000],
  ["2d", 172_800_000],
])("[CL13] %s is %d ms", (duration, ms) => {
  expect(durationMs("by", duration)).toBe(ms);
});

test.each(["15", "m", "15 m", "-15m", "1e3s", "15min", "", Number.NaN, Number.POSITIVE_INFINITY, null, {}])(
  "[CL13] %s is not a duration",
  (invalid) => {
    // Untyped programs may pass anything.
    expect(() => Reflect.apply(durationMs, undefined, ["by", invalid])).toThrow(
      /^by: must be milliseconds or text such/,
    );
  },
);
