// npm run chaos: faults from a seed on a real cluster, and an oracle that checks what every viewer saw; with --bots N, what every bot sent and was told.
import { bin, build, dependencies, endWithNpm, node, prepare, redis, run } from "./prepare.mjs";

await prepare(node, dependencies, redis, build);
endWithNpm();
const given = process.argv.slice(2);
const main = given.includes("--bots") ? "test/chaos/bots/main.ts" : "test/chaos/run/main.ts";
process.exit(await run(bin("tsx"), [main, ...given]));
