// npm run tapedeck -- COMMAND: the command line, after whatever has to be installed and compiled first.
import { build, dependencies, endWithNpm, node, prepare, redis, root } from "./prepare.mjs";

endWithNpm();
await prepare(node, dependencies, redis, build);
// In this process, so that there is none between the terminal's signals and the cluster.
await import(`${root}packages/cli/dist/main.js`);
