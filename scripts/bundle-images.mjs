// Writes the files of each image to a folder: node scripts/bundle-images.mjs FOLDER, after `npm run build`. A process is bundled into a few files
// beside its own main.js, so that an image has only what that process loads. The code stays readable, and its modules find
// scripts, threads and pages at the same paths as in the repository (docs/decisions/0038).
import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { forNode, placesOf } from "./bundled.mjs";
import { licencesOf, packagesIn } from "./licences.mjs";
import { billOfMaterials } from "./sbom.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const [target] = process.argv.slice(2);
if (target === undefined) throw new Error("usage: node scripts/bundle-images.mjs FOLDER");

const dashboard = "services/dashboard/dist";
const native = `uws_${process.platform}_${process.arch}_${process.versions.modules}.node`;
/** The process of each image, and the files that it reads from packages. */
const images = {
  api: {
    main: "services/api/dist/main.js",
    files: [
      "services/api/public",
      dashboard,
      "node_modules/@bull-board/ui/package.json",
      "node_modules/@bull-board/ui/dist",
      "node_modules/@tapedeck/client/package.json",
      "node_modules/@tapedeck/client/dist/sdk.js",
      "node_modules/@tapedeck/client/dist/sdk.d.ts",
      "node_modules/swagger-ui-dist/package.json",
      "node_modules/swagger-ui-dist/swagger-ui.css",
      "node_modules/swagger-ui-dist/swagger-ui-bundle.js",
    ],
  },
  gateway: {
    main: "services/gateway/dist/main.js",
    // Builds for other platforms are 100 MB that nothing would load.
    files: [
      "services/gateway/uws-binaries.sha256",
      ...["package.json", "uws.js", native].map((name) => `node_modules/@btc-vision/uwebsockets.js/${name}`),
    ],
  },
  ticker: { main: "services/ticker/dist/main.js", files: [] },
  feed: { main: "services/feed/dist/main.js", files: [] },
  venue: { main: "services/venue/dist/main.js", files: [] },
  cli: { main: "packages/cli/dist/main.js", files: [] },
};
/** Modules that are started as threads, by folder. */
const threads = [
  ["segment-worker", "search-worker"].map((name) => `packages/tape/dist/simulated/${name}.js`),
  ["packages/tape/dist/export/thread/encode-worker.js"],
  ["packages/live/dist/finishing/track-worker.js"],
];

for (const [name, { main, files }] of Object.entries(images)) {
  const image = resolve(target, name);
  const bundled = [await bundle([main], image)];
  for (const modules of threads) bundled.push(await bundle(modules, image));
  const workspaces = [...new Set(bundled.flatMap(workspacesIn))].sort();
  for (const file of [...files, ...workspaces.flatMap(filesOf)]) {
    cpSync(root + file, `${image}/${file}`, { recursive: true, dereference: true });
  }
  const others = [...new Set([...bundled.flatMap(packagesIn), ...files.flatMap(packagesOf)])].sort();
  writeFileSync(`${image}/licences.txt`, licencesOf(others.map((folder) => root + folder)));
  const folders = new Set([...others, ...workspaces, ...files.flatMap(workspaceOf)]);
  writeFileSync(`${image}/sbom.cdx.json`, billOfMaterials(root, dirname(dirname(main)), [...folders]));
}

/** Bundles modules of one folder into an image's folder, at the same path. Rarely needed parts are separate files, loaded on demand. */
async function bundle(entries, image) {
  const outdir = dirname(`${image}/${entries[0]}`);
  const { metafile } = await build({
    ...forNode,
    absWorkingDir: root,
    entryPoints: entries,
    outdir,
    target: "node24",
    plugins: [placesOf(root, relative(outdir, image))],
    metafile: true,
  });
  return metafile;
}

/** The workspaces whose modules a bundle contains. */
function workspacesIn({ outputs }) {
  return Object.values(outputs).flatMap(({ inputs }) => Object.keys(inputs).flatMap(workspaceOf));
}

function workspaceOf(path) {
  return /^(?:packages|services)\/[^/]+(?=\/(?:dist|public)\b)/.exec(path)?.[0] ?? [];
}

/** The files that modules of a workspace read: its manifest and its Redis scripts. */
function filesOf(folder) {
  const names = readdirSync(`${root}${folder}/src`, { recursive: true }).filter((name) => name.endsWith(".lua"));
  return [`${folder}/package.json`, ...names.map((name) => `${folder}/src/${name}`)];
}

/** The third-party packages that a file belongs to, or that were bundled into it. */
function packagesOf(file) {
  if (file === dashboard) {
    const { dependencies } = readJson("services/dashboard/package.json");
    const bundled = readJson(`${dashboard}/packages.json`).map(({ name }) => name);
    return [...Object.keys(dependencies), ...bundled].filter((name) => !name.startsWith("@tapedeck/")).map(installed);
  }
  return /^node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? [];
}

function installed(name) {
  const own = `services/dashboard/node_modules/${name}`;
  return existsSync(root + own) ? own : `node_modules/${name}`;
}

function readJson(path) {
  return JSON.parse(readFileSync(root + path, "utf8"));
}
