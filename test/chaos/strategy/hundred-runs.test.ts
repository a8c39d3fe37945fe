import pLimit from "p-limit";
import { expect } from "vitest";
import { testOnCluster } from "../../support/cluster.js";
import { recordedFiles } from "../../support/tapes.js";
import { type Kind, type RunPlan, type RunResult, run, type Stretch } from "./runs.js";

/** `TAPEDECK_STRATEGY_RUNS=100` makes a hundred. */
const runs = Number(process.env.TAPEDECK_STRATEGY_RUNS ?? 6);
const isLong = runs >= 50;
/** Runs at a time. */
const atATime = isLong ? 5 : 3;

const isRecorded = recordedFiles("primary").length > 0;
if (!isRecorded) process.stderr.write("\nSKIPPED: one strategy in many runs, without the recording of 2023\n\n");

const test = testOnCluster(() => ({ apis: 2, gateways: 2, tickers: 2, venues: 2 }));

const stretch: Stretch = { tape: "primary", symbol: "BTCUSDT", from: 1_000, frames: 160 };
const kinds: readonly Kind[] = ["ticker", "gateway", "api", "venue"];
/** 16 s of tape: at 1x only where there is time. */
const speeds = isLong ? ([1, 2, 10, 100, "max"] as const) : ([10, "max", 40, "max"] as const);

/** Speeds, ways, nodes and kills come together differently in each of a hundred; six of seven have a kill or two. */
function planOf(nth: number): RunPlan {
  const kills = [nth, Math.floor(nth / 4)].flatMap((of, at) => {
    const kind = kinds[of % kinds.length];
    return kind === undefined ? [] : [{ kind, frame: 30 + 67 * at + (nth % 30) }];
  });
  return {
    speed: speeds[nth % speeds.length] ?? "max",
    by: nth % 3 === 2 ? "venue" : "api",
    node: nth % 2,
    kills: nth % 7 === 0 ? [] : kills.slice(0, 1 + (Math.floor(nth / 2) % 2)),
  };
}

test.skipIf(!isRecorded)(
  "[TR80] one strategy has one SHA-256 over orders and fills: at different speeds, by different nodes, over HTTP and at the venue, with kills in between",
  { timeout: isLong ? 3_600_000 : 300_000 },
  async ({ cluster }) => {
    await cluster.recording("primary");
    const limit = pLimit(atATime);
    const results: RunResult[] = await Promise.all(
      Array.from({ length: runs }, (_, nth) =>
        limit(async () => {
          const plan = planOf(nth);
          const result = await run(cluster, stretch, plan);
          console.log(`run ${nth + 1}, ${JSON.stringify(plan)}: ${result.digest}`);
          return result;
        }),
      ),
    );
    const [first] = results;
    if (first === undefined) throw new Error("no run");
    expect(first.fills.length).toBeGreaterThan(30);
    expect(new Set(first.orders.map(({ status }) => status))).toContain("CANCELED");
    expect(results.map(({ digest }) => digest)).toEqual(results.map(() => first.digest));
    const sum = (of: (result: RunResult) => number) => results.reduce((total, result) => total + of(result), 0);
    cluster.note(
      `${runs} runs of one strategy, ${first.orders.length} orders and ${first.fills.length} fills each: one SHA-256, ${first.digest.slice(0, 12)}; ` +
        `${sum(({ lost }) => lost)} requests without an answer, ${sum(({ connections }) => connections - 1)} reconnections`,
    );
  },
);
