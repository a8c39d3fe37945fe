import { expect, test } from "vitest";
import { DamageReports } from "./damage-reports.js";

test("[TP23] a damaged block is told of once, however many come to it; others are news", () => {
  const reports = new DamageReports();
  const told = [
    ["a@1", 3],
    ["a@1", 3],
    ["a@1", 4],
    ["a@2", 3],
    ["a@1", 3],
  ].map(([tape, block]) => reports.shouldReport({ tape: String(tape), block: Number(block) }));
  expect(told).toEqual([true, false, true, true, false]);
});
