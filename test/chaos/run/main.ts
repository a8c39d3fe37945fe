// npm run chaos -- [--minutes 60] [--seed N] [--topology single|sentinel|cluster] [--sessions 24] [--mixed 24] [--faults redis]
import { execFileSync } from "node:child_process";
import { parseArgs } from "node:util";
import { z } from "zod";
import { describe } from "../oracle/check.js";
import { runChaos } from "./chaos.js";
import { topologies } from "./topology.js";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "60" },
    seed: { type: "string", default: `${Date.now() % 1_000_000}` },
    topology: { type: "string", default: "single" },
    sessions: { type: "string", default: "24" },
    mixed: { type: "string", default: "24" },
    faults: { type: "string", default: "" },
  },
});
const options = z
  .object({
    minutes: z.coerce.number().min(0.5),
    seed: z.coerce.number().int().nonnegative(),
    topology: z.enum(topologies),
    sessions: z.coerce.number().int().min(1).max(500),
    mixed: z.coerce.number().int().min(0),
    faults: z.string(),
  })
  .parse(values);

const commit = execFileSync("git", ["rev-parse", "--short", "HEAD"], { encoding: "utf8" }).trim();
const name = `seed ${options.seed}, commit ${commit}, ${options.topology}, ${options.sessions} sessions, ${options.minutes} minutes`;
console.log(name);
let table = () => "";
// Ends what was started here, also the Redis.
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    console.log(`\ncut short; sessions that ended until now:\n\n${table()}\n\n${name}`);
    process.exit(130);
  });
}
const report = await runChaos({
  ...options,
  apart: true,
  onTable: (current) => {
    table = current;
  },
  tell: (line) => console.log(`${new Date().toISOString().slice(11, 23)} ${line}`),
});
console.log(`\n${[report.table(), report.load.join("\n"), name].join("\n\n")}\n`);
for (const violation of report.violations) console.log(describe(violation));
for (const stuck of report.stuck) console.log(`never moved again: ${stuck}`);
const failed = report.violations.length > 0 || report.stuck.length > 0;
console.log(failed ? "The oracle found violations, or a viewer never moved again." : "The oracle found no violation.");
process.exit(failed ? 1 : 0);
