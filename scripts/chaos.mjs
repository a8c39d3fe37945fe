// npm run chaos: faults from a seed on a real cluster, and an oracle that checks what every viewer saw.
import { bin, build, dependencies, endWithNpm, node, prepare, redis, run } from "./prepare.mjs";

await prepare(node, dependencies, redis, build);
endWithNpm();
process.exit(await run(bin("tsx"), ["test/chaos/run/main.ts", ...process.argv.slice(2)]));
