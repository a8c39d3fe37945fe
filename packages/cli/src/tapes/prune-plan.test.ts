import { expect, test } from "vitest";
import { type PruneRules, planPruning } from "./prune-plan.js";
import type { ListedTape } from "./tape-place.js";

const day = 86_400_000;
const now = Date.parse("2026-06-01T00:00:00Z");

/** Versions by their age in days, the oldest first; null is damaged. */
function tape(id: string, ...ages: (number | null)[]): ListedTape {
  const versions = ages.map((age, at) => ({
    version: at + 1,
    current: at === ages.length - 1,
    bytes: age === null ? null : 100,
    created_at: age === null ? null : new Date(now - age * day).toISOString(),
  }));
  return { id, versions: versions.reverse() };
}

const recorded = "live.SIM.BTCUSDT.1735900000000";
const shelf = [
  tape("btc", 90, 40, 20, 1),
  tape("old", 400),
  tape(recorded, 31),
  tape("live.talk", 31),
  tape("torn", null, 60, 50),
];

const cases: [string, PruneRules, string[]][] = [
  ["keeps the newest two", { keepVersions: 2 }, ["btc@2", "btc@1"]],
  [
    "keeps the current version of imports, and nothing of a recorded market",
    { olderThan: 30 * day },
    ["btc@2", "btc@1", recorded, "torn@2"],
  ],
  ["takes what both rules name", { keepVersions: 1, olderThan: 50 * day }, ["btc@1", "torn@2"]],
  ["keeps a recorded market that is young", { olderThan: 32 * day }, ["btc@2", "btc@1", "torn@2"]],
];
test.each(cases)("[CM23] pruning %s", (_, rules, names) => {
  const plan = planPruning(shelf, rules, now);
  expect(plan.names).toEqual(names);
  expect(plan.versions.map(({ name }) => name.replace(`${recorded}@1`, recorded))).toEqual(names);
});

test("[CM24] a damaged version that would go by its number is named, and stays", () => {
  const plan = planPruning(shelf, { keepVersions: 1 }, now);
  expect(plan.damaged).toEqual(["torn@1"]);
  expect(plan.names).not.toContain("torn");
  expect(planPruning(shelf, { keepVersions: 3 }, now).damaged).toEqual([]);
});
