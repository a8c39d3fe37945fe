// The command line with everything that it needs, for machines that have nothing but Node: what the package @tapedeck/cli holds. AWS's SDK and
// other rarely needed parts are files of their own, which are loaded when they are wanted.
import { readdirSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { licencesOf, packagesIn } from "./licences.mjs";
import { writeChanged } from "./write-changed.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = `${root}packages/cli/dist/`;
// Beside what tsc made, so that modules find package.json and the repository from where they are here, too.
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
  // Some of what is bundled is CommonJS, and asks for Node's own modules by `require`.
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
