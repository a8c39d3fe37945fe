import { analyticsVersion } from "@tapedeck/market";
// biome-ignore lint/correctness/noUndeclaredDependencies: the workspace has it, for tests and benchmarks
import { bench, describe } from "vitest";
import { BlockCache } from "../../reading/block-cache.js";
import { BookReplay } from "../../track/book-replay.js";
import { generateSegment } from "../generate-segment.js";
import { simulatedTapeInPlace } from "../in-place-generator.js";
import { parseSimulatedName } from "../simulated-name.js";
import { generateLevels, generateOrders } from "./generate-track.js";

// What a minute of market costs: its events, beside its frames, and reading what is in the cache. Times are CPU time of all threads. Each
// sample is another minute, since some have incidents and others have not.

const options = { time: 4_000, warmupTime: 2_000, iterations: 10, now: cpuMs };
const name = parseSimulatedName(`sim2.BTCUSDT.42.mixed@${analyticsVersion}`);
if (name === undefined) throw new Error("the benchmark's tape has no name");
let minute = 100;

describe("a minute of a simulated market", () => {
  bench("its levels and trades", () => void generateLevels(name, minute++), options);
  bench("its orders", () => void generateOrders(name, minute++), options);
  bench("its frames, with analytics", () => void generateSegment(name, minute++, () => undefined), options);
});

const { track } = await simulatedTapeInPlace(`sim2.BTCUSDT.42.mixed@${analyticsVersion}`, new BlockCache(64 << 20));
const range = { from: { seq: 60_000 }, to: { seq: 66_000 } };
for await (const _ of track.bookBatches(range));

describe("ten minutes of a simulated market that are in the cache", () => {
  bench(
    "batches, with the book rebuilt",
    async () => {
      const replay = new BookReplay();
      for await (const batch of track.bookBatches(range)) replay.apply(batch);
    },
    options,
  );
  bench(
    "events one by one",
    async () => {
      let units = 0;
      for await (const event of track.events(range)) units += event.n;
      if (units === 0) throw new Error("no event was read");
    },
    options,
  );
});

/** Milliseconds of CPU time of this process. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}
