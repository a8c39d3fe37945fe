// Bundles the command line with all its dependencies for the package @tapedeck/cli, so that it needs nothing but Node. AWS's SDK and other
// rarely needed parts are separate files, which are loaded on demand.
import { readdirSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { licencesOf, packagesIn } from "./licences.mjs";
import { writeChanged } from "./write-changed.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = `${root}packages/cli/dist/`;
// In the folder of tsc's output, so that modules find package.json and the repository by the same relative paths.
const isBundle = (name) => /^tapedeck(-.*)?\.(js|txt)$/.test(name);

const { outputFiles, metafile } = await build({
  absWorkingDir: root,
  entryPoints: { tapedeck: "packages/cli/dist/main.js" },
  outdir: folder,
  chunkNames: "tapedeck-[hash]",
  bundle: true,
  splitting: true,
  minify: true,
  keepNames: true, // error names are part of messages
  format: "esm",
  platform: "node",
  target: "node20.9",
  // Some bundled modules are CommonJS and load Node's own modules with `require`.
  banner: {
    js: 'import { createRequire as requireFrom } from "node:module"; const require = requireFrom(import.meta.url);',
  },
  metafile: true,
  write: false,
  logLevel: "warning",
});

const made = new Set(outputFiles.map(({ path }) => path.slice(folder.length)));
for (const name of readdirSync(folder)) if (isBundle(name) && !made.has(name)) rmSync(folder + name);
for (const { path, contents } of outputFiles) writeChanged(path, contents);
const packages = packagesIn(metafile).map((path) => root + path);
writeChanged(`${folder}tapedeck-licences.txt`, licencesOf(packages));
