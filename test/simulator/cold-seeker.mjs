// One process of cold-seek.ts, on what was built: prints milliseconds of its first seek a day ahead, and of another one after it.
import { MemoryTapeStore, TapeCatalog } from "../../packages/tape/dist/index.js";

const [seed, warmUp] = process.argv.slice(2);
const catalog = new TapeCatalog(new MemoryTapeStore(), { cacheBytes: 32 << 20 });
if (warmUp === "warm") await catalog.warmUp();
const tape = await catalog.open(`sim2.BTCUSDT.${seed}.mixed`);
const seek = async (seq) => {
  const since = performance.now();
  await tape.load(seq);
  return performance.now() - since;
};
const day = 864_000;
console.log(JSON.stringify([await seek(day + ((Number(seed) * 97) % 600)), await seek(2 * day + 300)]));
process.exit(0);
