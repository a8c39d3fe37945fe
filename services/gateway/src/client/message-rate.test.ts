import { expect, test } from "vitest";
import { TokenBucket } from "./message-rate.js";

test("[G35] a token bucket gives its points at once, then each next point as it is refilled", () => {
  const bucket = new TokenBucket({ points: 10, seconds: 5 }, 1_000);
  const taken = (nowMs: number, tries: number) =>
    Array.from({ length: tries }, () => bucket.take(nowMs)).filter(Boolean);
  expect(taken(1_000, 20)).toHaveLength(10);
  expect(taken(1_499, 3)).toHaveLength(0);
  expect(taken(1_500, 3)).toHaveLength(1);
  expect(taken(3_000, 20)).toHaveLength(3);
  expect(taken(1_000_000, 20)).toHaveLength(10);
});
