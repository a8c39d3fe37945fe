// What each image holds, as a folder: node scripts/bundle-images.mjs FOLDER, after `npm run build`. A process is bundled into a few files
// beside its own main.js, so that an image has what that process loads and nothing else. The code stays readable, and its modules find
// scripts, threads and pages where these lie in the repository (docs/decisions/0038).
import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { licencesOf, packagesIn } from "./licences.mjs";
import { billOfMaterials } from "./sbom.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const [target] = process.argv.slice(2);
if (target === undefined) throw new Error("usage: node scripts/bundle-images.mjs FOLDER");

const dashboard = "services/dashboard/dist";
const native = `uws_${process.platform}_${process.arch}_${process.versions.modules}.node`;
/** The process of each image, and what it reads from packages as files. */
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
    files: ["package.json", "uws.js", native].map((name) => `node_modules/@btc-vision/uwebsockets.js/${name}`),
  },
  ticker: { main: "services/ticker/dist/main.js", files: [] },
  feed: { main: "services/feed/dist/main.js", files: [] },
  cli: { main: "packages/cli/dist/main.js", files: [] },
};
/** Modules that are started as threads. */
const threads = ["segment-worker", "search-worker"].map((name) => `packages/tape/dist/simulated/${name}.js`);

for (const [name, { main, files }] of Object.entries(images)) {
  const image = resolve(target, name);
  const bundled = [await bundle([main], image), await bundle(threads, image)];
  const workspaces = [...new Set(bundled.flatMap(workspacesIn))].sort();
  for (const file of [...files, ...workspaces.flatMap(filesOf)]) {
    cpSync(root + file, `${image}/${file}`, { recursive: true, dereference: true });
  }
  const others = [...new Set([...bundled.flatMap(packagesIn), ...files.flatMap(packagesOf)])].sort();
  writeFileSync(`${image}/licences.txt`, licencesOf(others.map((folder) => root + folder)));
  const folders = new Set([...others, ...workspaces, ...files.flatMap(workspaceOf)]);
  writeFileSync(`${image}/sbom.cdx.json`, billOfMaterials(root, dirname(dirname(main)), [...folders]));
}

/** Bundles modules of one folder into an image's folder, at their own place. What few processes need is in files that are loaded when they do. */
async function bundle(entries, image) {
  const outdir = dirname(`${image}/${entries[0]}`);
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: entries,
    outdir,
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node24",
    sourcemap: true,
    sourcesContent: false,
    // CommonJS modules expect these.
    banner: {
      js:
        'import { createRequire as requireOf } from "node:module"; const require = requireOf(import.meta.url), ' +
        "__filename = import.meta.filename, __dirname = import.meta.dirname;",
    },
    // Its main file is loaded by a function that bundlers do not see through.
    alias: { "jsonc-parser": "jsonc-parser/lib/esm/main.js" },
    // Faster ways that their users do without, and the printer for terminals.
    external: ["bufferutil", "utf-8-validate", "msgpackr-extract", "pino-pretty"],
    plugins: [placesOf(relative(outdir, image))],
    metafile: true,
    logLevel: "warning",
    // bull-board looks for its page by a direct `eval` where it is not told, as it is, where the page lies.
    logOverride: { "direct-eval": "silent" },
  });
  return metafile;
}

/** A module that asks where it lies gets the place that it has in the repository, seen from the bundle. */
function placesOf(up) {
  return {
    name: "places",
    setup({ onLoad }) {
      onLoad({ filter: /\/(packages|services)\/[^/]+\/dist\/.*\.js$/ }, ({ path }) => {
        const place = JSON.stringify(`${up}/${relative(root, path)}`);
        const code = readFileSync(path, "utf8");
        return { contents: code.replaceAll("import.meta.url", `new URL(${place}, import.meta.url).href`) };
      });
    },
  };
}

/** The workspaces of which a bundle has modules. */
function workspacesIn({ outputs }) {
  return Object.values(outputs).flatMap(({ inputs }) => Object.keys(inputs).flatMap(workspaceOf));
}

function workspaceOf(path) {
  return /^(?:packages|services)\/[^/]+(?=\/(?:dist|public)\b)/.exec(path)?.[0] ?? [];
}

/** What modules of a workspace read: its manifest, and scripts for Redis. */
function filesOf(folder) {
  const names = readdirSync(`${root}${folder}/src`, { recursive: true }).filter((name) => name.endsWith(".lua"));
  return [`${folder}/package.json`, ...names.map((name) => `${folder}/src/${name}`)];
}

/** The packages of others' that a file is part of, or that were bundled into it. */
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
