import { execFile } from "node:child_process";
import { cpus, loadavg } from "node:os";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe } from "../support/distribution.js";

/**
 * How long a seek a day ahead in a simulated market takes in a process that has just been started, without and with what services
 * do when they start. After `npm run build`: npx tsx test/simulator/cold-seek.ts [times]
 */
const times = Number(process.argv[2] ?? 10);
const seeker = fileURLToPath(new URL("cold-seeker.mjs", import.meta.url));
const run = promisify(execFile);

for (const start of ["cold", "warm"]) {
  const first: number[] = [];
  const second: number[] = [];
  for (let seed = 0; seed < times; seed++) {
    const { stdout } = await run(process.execPath, [seeker, `${seed}`, start]);
    const [one, two]: number[] = JSON.parse(stdout);
    if (one === undefined || two === undefined) throw new Error(`a process said ${stdout}`);
    first.push(one);
    second.push(two);
  }
  console.log(`${start}: first seek ${describe(first)} ms, second ${describe(second)} ms`);
}
console.log(`${cpus().length} cores, load ${loadavg()[0]?.toFixed(1)}`);
