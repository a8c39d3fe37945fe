// One process of cold-seek.ts, on what was built: prints milliseconds of getting ready and of its first seeks, each a day
// ahead, and how much of its threads' processor time each took.
import { MemoryTapeStore, TapeCatalog } from "../../packages/tape/dist/index.js";

const [seed, start] = process.argv.slice(2);
const day = 864_000;
const catalog = new TapeCatalog(new MemoryTapeStore(), { cacheBytes: 32 << 20 });
const took = async (work) => {
  const [since, before] = [performance.now(), process.cpuUsage()];
  await work();
  const { user, system } = process.cpuUsage(before);
  return { ms: performance.now() - since, processorMs: (user + system) / 1_000 };
};
const times = [await took(() => start === "warm" && catalog.warmUp())];
const tape = await catalog.open(`sim2.BTCUSDT.${seed}.mixed`);
for (const n of [1, 2, 3]) times.push(await took(() => tape.load(n * day + ((Number(seed) * 97) % 600))));
console.log(JSON.stringify(times));
process.exit(0);
