// npm run bench: the cost of a delivered frame, for the product and for the floor, in one run; then what taking orders over costs, and how soon a venue answers its bots.
import { bin, build, dependencies, node, prepare, redis, run } from "./prepare.mjs";

await prepare(node, dependencies, redis, build);
const frames = await run(bin("tsx"), ["test/bench/main.ts", ...process.argv.slice(2)]);
const takeover = frames || (await run(bin("tsx"), ["test/bench/takeover.ts"]));
process.exit(takeover || (await run(bin("tsx"), ["test/bench/bots.ts"])));
