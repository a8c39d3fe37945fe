import { expect, inject, test } from "vitest";
import { describe as sentence } from "./oracle/check.js";
import { runChaos } from "./run/chaos.js";
import type { TopologyName } from "./run/topology.js";

interface Seed {
  readonly seed: number;
  readonly topology: TopologyName;
  /** What went wrong with it once; a test with this name keeps it from coming back. */
  readonly story: string;
}

/**
 * A seed with which `npm run chaos` found a fault gets a line here, with the topology and what viewers saw. It repeats the choices of faults,
 * sessions and commands, not the machine's timing: a fault that needs a certain moment also gets a test that makes that moment.
 */
const seeds: readonly Seed[] = [{ seed: 14, topology: "single", story: "the seed of every run of the tests" }];

test.for(seeds)(
  "[F80] [F82] [F85] faults strike a cluster while users play, and every history is possible: seed $seed, $story",
  { timeout: 300_000 },
  async ({ seed, topology }) => {
    const report = await runChaos({
      ...{ seed, topology, minutes: 1.2, sessions: 8, lifeS: 40 },
      store: inject("tapeStore"),
      tell: (line) => console.log(line),
    });
    console.log(report.table());
    expect(report.violations.map(sentence)).toEqual([]);
    expect(report.stuck).toEqual([]);
    expect(report.frames).toBeGreaterThan(1_000);
    expect(report.sessions).toBeGreaterThanOrEqual(8);
  },
);
