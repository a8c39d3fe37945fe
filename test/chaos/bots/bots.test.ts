import { expect, inject, test } from "vitest";
import { recordedFiles } from "../../support/tapes.js";
import { runBots } from "./chaos-of-bots.js";

/** Two minutes of both cores, and more where others use them: `npm run chaos -- --bots 200` is the long form. */
const isWanted = process.env.TAPEDECK_TEST_BOTS === "1" && recordedFiles("primary").length > 0;
if (!isWanted)
  process.stderr.write("\nSKIPPED: bots through faults, without TAPEDECK_TEST_BOTS=1 and the recording of 2023\n\n");

test.skipIf(!isWanted)(
  "[TR81] [TR82] [TR83] [TR84] bots trade through faults of all kinds: no order and no fill is lost or told twice, balances are exact, and every client comes back by itself",
  { timeout: 600_000 },
  async () => {
    const report = await runBots({
      ...{ seed: 16, minutes: 0.6, leastFaults: 4, bots: 10, everyS: 1.5, lifeS: 60 },
      store: inject("tapeStore"),
      tell: (line) => console.log(line),
    });
    console.log(report.table());
    expect(report.violations).toEqual([]);
    expect(report.sessions).toBeGreaterThanOrEqual(10);
    expect(report.faults).toBeGreaterThanOrEqual(4);
    expect(report.fills).toBeGreaterThan(0);
  },
);
