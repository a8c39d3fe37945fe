// After tsc: bundles the SDK into one file for pages without a bundler, and its types into another. The api serves them as /sdk.js and
// /sdk.d.ts, and the package @tapedeck/client consists of them.
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { sdkTypes } from "./sdk-types.mjs";
import { writeChanged } from "./write-changed.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const { outputFiles } = await build({
  absWorkingDir: root,
  entryPoints: ["packages/client/dist/index.js"],
  outfile: "packages/client/dist/sdk.js",
  bundle: true,
  minify: true,
  format: "esm",
  platform: "browser",
  target: "es2022",
  logLevel: "warning",
  write: false,
});
for (const { path, contents } of outputFiles) writeChanged(path, contents);
writeChanged(`${root}packages/client/dist/sdk.d.ts`, sdkTypes(root));
