// One process of main.ts, on what was built: prints what some work took as JSON. The time that Node and the modules take to start is not in it.
import { BookReplay, FolderTapeStore, importRecording, TapeCatalog } from "../../../packages/tape/dist/index.js";

const [work, folder, ...rest] = process.argv.slice(2);
const store = new FolderTapeStore(folder);
/** Nothing that was read before is in the cache. */
const openTrack = async () => (await new TapeCatalog(store, { cacheBytes: 32 << 20 }).open("bench")).track;

const took = async (run) => {
  const [since, before] = [performance.now(), process.cpuUsage()];
  const result = await run();
  const { user, system } = process.cpuUsage(before);
  return { ms: performance.now() - since, cpuMs: (user + system) / 1_000, ...result };
};

const works = {
  import: () => importRecording(rest, { id: "bench" }, { store }).then(() => ({})),
  batches: async () => {
    const replay = new BookReplay();
    let changes = 0;
    for await (const batch of (await openTrack()).bookBatches()) {
      replay.apply(batch);
      changes += batch.rows;
    }
    return { changes };
  },
  events: async () => {
    let changes = 0;
    for await (const event of (await openTrack()).events()) if (event.kind === "book") changes += event.levels.length;
    return { changes };
  },
  // rest: numbers of events. Each seek opens the tape anew, so its manifest and footers are read again, too.
  seek: async () => {
    const seeks = [];
    for (const n of rest) {
      const seek = async () => {
        const { bids, asks } = await (await openTrack()).bookAt({ n: Number(n) });
        return { levels: bids.length + asks.length };
      };
      seeks.push(await took(seek));
    }
    return { seeks };
  },
};

const { maxRSS } = process.resourceUsage();
const result = await took(works[work]);
console.log(JSON.stringify({ ...result, startMb: maxRSS / 1024, mostMb: process.resourceUsage().maxRSS / 1024 }));
process.exit(0);
