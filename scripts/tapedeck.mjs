// npm run tapedeck -- COMMAND: the command line, after whatever has to be installed and compiled first.
import { build, dependencies, endWithNpm, node, prepare, redis, root } from "./prepare.mjs";

// npm runs scripts in the root; paths are meant from where the person stands.
const cwd = process.env.INIT_CWD ?? process.cwd();

endWithNpm();
await prepare(node, dependencies, redis, build);
process.chdir(cwd);
// In this process, so that there is none between the terminal's signals and the cluster.
await import(`${root}packages/cli/dist/main.js`);
