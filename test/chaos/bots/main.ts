// npm run chaos -- --bots 200 [--minutes 20] [--seed N] [--every 10] [--life 240] [--fps 1] [--faults venue] [--sessions simulated] [--store FOLDER]
import { execFileSync } from "node:child_process";
import { parseArgs } from "node:util";
import { z } from "zod";
import { runBots } from "./chaos-of-bots.js";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "20" },
    seed: { type: "string", default: `${Date.now() % 1_000_000}` },
    bots: { type: "string", default: "200" },
    every: { type: "string", default: "10" },
    life: { type: "string", default: "240" },
    fps: { type: "string", default: "0" },
    faults: { type: "string", default: "" },
    sessions: { type: "string", default: "" },
    store: { type: "string", default: "" },
  },
});
const { every, life, fps, store, ...options } = z
  .object({
    minutes: z.coerce.number().min(0.5),
    seed: z.coerce.number().int().nonnegative(),
    bots: z.coerce.number().int().min(1).max(500),
    every: z.coerce.number().min(0.2),
    life: z.coerce.number().min(20).max(300),
    fps: z.coerce.number().int().min(0).max(60),
    faults: z.string(),
    sessions: z.string(),
    store: z.string(),
  })
  .parse(values);

const commit = execFileSync("git", ["rev-parse", "--short", "HEAD"], { encoding: "utf8" }).trim();
const name = `seed ${options.seed}, commit ${commit}, ${options.bots} bots, an action every ${every} s, ${options.minutes} minutes`;
console.log(name);
// Ends what was started here, also the Redis.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));
const report = await runBots({
  ...{ ...options, everyS: every, lifeS: life, maxFps: fps },
  ...(store !== "" && { store }),
  tell: (line) => console.log(`${new Date().toISOString().slice(11, 23)} ${line}`),
});
console.log(`\n${report.table()}\n\n${name}\n`);
for (const violation of report.violations) console.log(violation);
console.log(report.violations.length > 0 ? "The oracle found violations." : "The oracle found no violation.");
process.exit(report.violations.length > 0 ? 1 : 0);
