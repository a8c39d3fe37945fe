import { expect, test } from "vitest";
import { type Crashes, crashed, isCrashLoop } from "./crash-loop.js";

function deaths(...times: number[]): Crashes {
  return times.reduce<Crashes>((before, at) => crashed(before, at), { count: 0, at: 0 });
}

test("[LS3] five deaths of tickers in a row are the session's fault", () => {
  expect(isCrashLoop(deaths(100_000, 103_000, 106_000, 109_000))).toBe(false);
  expect(isCrashLoop(deaths(100_000, 103_000, 106_000, 109_000, 112_000))).toBe(true);
});

test("[LS3] deaths over a long life of its job are not, however many", () => {
  expect(isCrashLoop(deaths(...Array.from({ length: 50 }, (_, i) => (i + 1) * 61_000)))).toBe(false);
});
