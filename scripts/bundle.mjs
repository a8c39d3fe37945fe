// After tsc: the SDK as one file for pages that have no bundler. The api serves it as /sdk.js.
import { build } from "esbuild";

await build({
  absWorkingDir: new URL("..", import.meta.url).pathname,
  entryPoints: ["packages/client/dist/index.js"],
  outfile: "packages/client/dist/sdk.js",
  bundle: true,
  minify: true,
  format: "esm",
  platform: "browser",
  target: "es2022",
  logLevel: "warning",
});
