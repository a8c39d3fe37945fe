import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { startCluster } from "@tapedeck/cli";
import { percentile } from "../support/distribution.js";
import { Http } from "../support/http.js";
import { now, Viewer } from "../support/viewer.js";

/**
 * How long a seek a day ahead in a simulated market takes where nothing was simulated before. After `npm run build`:
 * `npx tsx test/simulator/cold-seek.ts [clusters] [processes]`. First on clusters as `npm start` has them, each started anew: from the
 * request to the balancer until the frame has come to a socket. Then in single processes, with and without what services do
 * before they say that they are ready.
 */
const [clusters = 10, processes = 10] = process.argv.slice(2).map(Number);
const day = 864_000;

/** What a new cluster took, in milliseconds. */
interface Fresh {
  readonly start: number;
  /** From asking for a simulated market to its first frame, the socket's opening included. */
  readonly first: number;
  readonly seek: number;
  readonly later: number;
}

async function freshCluster(seed: number): Promise<Fresh> {
  const folder = await mkdtemp(join(tmpdir(), "tapedeck-cold-"));
  const began = now();
  const cluster = await startCluster({ port: 0, feeds: 0, folder, store: join(folder, "tapes") });
  try {
    const start = now() - began;
    const http = new Http([cluster.url]);
    await http.call("GET", "/health"); // this process's own first request
    const asked = now();
    const { session_id: id } = await http.create({ mode: "SIMULATION", seed, scenario: "mixed" });
    const viewer = await Viewer.watch({ gateways: [cluster.url], sessionId: id });
    await viewer.next(1);
    const first = now() - asked;
    const seekTo = async (seq: number): Promise<number> => {
      const since = now();
      const { epoch } = await http.control(id, "seek", { seq });
      const shown = () => viewer.frames.find((frame) => frame.epoch === epoch);
      await viewer.until(() => shown() !== undefined, "the frame");
      return (shown()?.at ?? Number.NaN) - since;
    };
    const seek = await seekTo(day + ((seed * 97) % 600));
    const later = await seekTo(2 * day + ((seed * 61) % 600));
    await viewer.close();
    return { start, first, seek, later };
  } finally {
    await cluster.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

function summary(values: readonly number[]): string {
  const [p50, p90, max] = [0.5, 0.9, 1].map((p) => Math.round(percentile(values, p)));
  return `p50 ${p50} p90 ${p90} max ${max} ms`;
}

const fresh: Fresh[] = [];
for (let seed = 0; seed < clusters; seed++) fresh.push(await freshCluster(seed));
if (clusters > 0) {
  console.log(`${clusters} clusters of two gateways, apis and tickers`);
  console.log(`  until all are ready: ${summary(fresh.map(({ start }) => start))}`);
  console.log(`  first frame of a first simulated market: ${summary(fresh.map(({ first }) => first))}`);
  console.log(`  first seek a day ahead: ${summary(fresh.map(({ seek }) => seek))}`);
  console.log(`  second seek: ${summary(fresh.map(({ later }) => later))}`);
}

const seeker = fileURLToPath(new URL("cold-seeker.mjs", import.meta.url));
const run = promisify(execFile);
for (const start of processes > 0 ? ["cold", "warm"] : []) {
  const times: { ms: number; processorMs: number }[][] = [];
  for (let seed = 0; seed < processes; seed++) {
    const { stdout } = await run(process.execPath, [seeker, `${seed}`, start]);
    times.push(JSON.parse(stdout));
  }
  const nth = (at: number) => {
    const each = times.map((steps) => steps[at] ?? { ms: Number.NaN, processorMs: Number.NaN });
    const processorMs = each.map((step) => step.processorMs);
    return `${summary(each.map(({ ms }) => ms))} (${Math.round(percentile(processorMs, 0.5))} of processor time)`;
  };
  console.log(`${start} process: getting ready ${nth(0)}; first seek ${nth(1)}, second ${nth(2)}, third ${nth(3)}`);
}
console.log(`${cpus().length} cores, load ${loadavg()[0]?.toFixed(1)}, Node ${process.version}`);
