import { expect, test } from "vitest";
import { DamageReports } from "./damage-reports.js";

test("[TP23] a damaged block is reported once, however often it is read; another block or tape is reported too", () => {
  const reports = new DamageReports();
  const reported = [
    ["a@1", 3],
    ["a@1", 3],
    ["a@1", 4],
    ["a@2", 3],
    ["a@1", 3],
  ].map(([tape, block]) => reports.shouldReport({ tape: String(tape), block: Number(block) }));
  expect(reported).toEqual([true, false, true, true, false]);
});
