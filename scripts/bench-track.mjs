// npm run bench:track: what an event track takes on disk, to make, to read and to seek in, beside the source and other formats.
import { bin, build, dependencies, node, prepare, run } from "./prepare.mjs";

await prepare(node, dependencies, build);
process.exit(await run(bin("tsx"), ["test/bench/track/main.ts", ...process.argv.slice(2)]));
