import { expect, test } from "vitest";
import { Backoff } from "./backoff.js";

test("[FD14] waits double up to half a minute, with full jitter", () => {
  const longest = new Backoff(() => 1);
  const times = Array.from({ length: 9 }, () => longest.after("unreachable", 0));
  expect(times).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
  const shortest = new Backoff(() => 0);
  expect(Array.from({ length: 5 }, () => shortest.after("lost", 0))).toEqual([0, 0, 0, 0, 0]);
});

test("[FD14] a connection that was up for ten seconds resets the backoff", () => {
  const backoff = new Backoff(() => 1);
  for (let n = 0; n < 5; n++) backoff.after("unreachable", 0);
  expect(backoff.after("lost", 9_999)).toBe(16_000);
  expect(backoff.after("lost", 10_000)).toBe(500);
});

test("[FD14] a venue that refuses is left alone for at least half a minute", () => {
  expect(new Backoff(() => 0).after("refused", 0)).toBe(30_000);
  expect(new Backoff(() => 1).after("refused", 0)).toBe(60_000);
});
