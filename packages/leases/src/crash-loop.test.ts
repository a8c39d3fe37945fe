import { expect, test } from "vitest";
import { type CrashRecord, isCrashLoop, recordStall, recordSurvival } from "./crash-loop.js";

/** What is known after the job has stalled at each of these times, and was taken again each time. */
function deaths(times: readonly number[], before?: CrashRecord): CrashRecord | undefined {
  return times.reduce((known, at) => recordStall(known, (known?.stalls ?? 0) + 1, at), before);
}

test("[LS3] five deaths of workers in a row are the job's fault", () => {
  expect(isCrashLoop(deaths([100_000, 103_000, 106_000, 109_000]))).toBe(false);
  expect(isCrashLoop(deaths([100_000, 103_000, 106_000, 109_000, 112_000]))).toBe(true);
});

test("[LS3] deaths over a long life of its job are not, however many", () => {
  expect(isCrashLoop(deaths(Array.from({ length: 50 }, (_, i) => (i + 1) * 9_000)))).toBe(false);
});

test("[LS10] a job that changes hands after a death has not killed again", () => {
  const once = deaths([100_000]);
  for (let at = 101_000; at < 130_000; at += 1_000) expect(recordStall(once, 1, at)).toBe(once);
  expect(recordStall(undefined, 0, 100_000)).toBeUndefined();
});

test("[LS10] a worker that loses a job and is still alive did not die of it, and clears earlier deaths", () => {
  const four = deaths([100_000, 103_000, 106_000, 109_000]);
  expect(isCrashLoop(deaths([112_000], recordSurvival(four?.stalls ?? 0)))).toBe(false);
});
