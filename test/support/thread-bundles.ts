import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build, type Plugin } from "esbuild";
import type { TestProject } from "vitest/node";
import { forNode } from "../../scripts/bundled.mjs";

declare module "vitest" {
  export interface ProvidedContext {
    /** Folder with the modules that run as threads, a file each, by their names; undefined in runs that make none. */
    threadBundles: string | undefined;
  }
}

const root = fileURLToPath(new URL("../..", import.meta.url));

const modules = [
  "packages/tape/src/simulated/segment-worker.ts",
  "packages/tape/src/simulated/search-worker.ts",
  "packages/tape/src/export/thread/encode-worker.ts",
  "packages/live/src/finishing/track-worker.ts",
];

/** A module finds its neighbours where it is in the repository. */
const places: Plugin = {
  name: "places",
  setup({ onLoad }) {
    onLoad({ filter: /\/packages\/[^/]+\/src\/.*\.ts$/ }, async ({ path }) => {
      const code = await readFile(path, "utf8");
      return { contents: code.replaceAll("import.meta.url", JSON.stringify(pathToFileURL(path).href)), loader: "ts" };
    });
  },
};

/** Bundles the sources of threads once for the run: a thread that compiles them takes 0.8 s of CPU time to start, and one of a bundle a tenth of it. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), "tapedeck-threads-"));
  await build({
    ...forNode,
    absWorkingDir: root,
    entryPoints: Object.fromEntries(modules.map((path) => [basename(path, ".ts"), path])),
    conditions: ["tapedeck-source"],
    outdir: folder,
    outExtension: { ".js": ".mjs" },
    target: "node20.9",
    plugins: [places],
  });
  project.provide("threadBundles", folder);
  return () => rm(folder, { recursive: true, force: true });
}
