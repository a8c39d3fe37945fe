#!/usr/bin/env node
// npx tapedeck COMMAND, or npm run tapedeck -- COMMAND: installs and compiles what is missing, then runs the command line.
import { build, dashboard, dependencies, endWithNpm, node, prepare, redis, root } from "./prepare.mjs";

// npm runs scripts in the root, but paths are relative to the user's folder.
const cwd = process.env.INIT_CWD ?? process.cwd();

endWithNpm();
// Only a cluster needs Redis, and has a page to show.
const isCluster = process.argv[2] === "up";
await prepare(node, dependencies, ...(isCluster ? [redis] : []), build, ...(isCluster ? [dashboard] : []));
process.chdir(cwd);
// In this process, so that the terminal's signals reach the cluster directly.
await import(`${root}dist/tapedeck.js`);
