// npm run bench: the cost of a delivered frame, for the product and for the floor, in one run, and in lossless pace; then what taking orders over costs, how soon a venue answers its bots, and what a diff costs that it delivers.
import { bin, build, dependencies, node, prepare, redis, run } from "./prepare.mjs";

await prepare(node, dependencies, redis, build);
let failed = await run(bin("tsx"), ["test/bench/main.ts", ...process.argv.slice(2)]);
for (const part of ["pace", "takeover", "bots", "diffs"]) failed ||= await run(bin("tsx"), [`test/bench/${part}.ts`]);
process.exit(failed);
