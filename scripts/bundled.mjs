// Shared by the bundles of images (bundle-images.mjs) and of the local cluster (bundle-processes.mjs).
import { readFileSync } from "node:fs";
import { relative } from "node:path";

/** Options of esbuild. The code stays readable, and rarely needed parts are separate files, loaded on demand. */
export const forNode = {
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  sourcemap: true,
  sourcesContent: false,
  // CommonJS modules expect these.
  banner: {
    js:
      'import { createRequire as __requireOf } from "node:module"; import { dirname as __folderOf } from "node:path"; ' +
      'import { fileURLToPath as __pathOf } from "node:url"; const require = __requireOf(import.meta.url), ' +
      "__filename = __pathOf(import.meta.url), __dirname = __folderOf(__filename);",
  },
  // Its main file loads its modules through a function, which bundlers cannot follow.
  alias: { "jsonc-parser": "jsonc-parser/lib/esm/main.js" },
  // Optional native accelerators, and the log printer for terminals.
  external: ["bufferutil", "utf-8-validate", "msgpackr-extract", "pino-pretty"],
  logLevel: "warning",
  // bull-board uses a direct `eval` to find its page only if it is not given the location, which it is.
  logOverride: { "direct-eval": "silent" },
};

/** Replaces `import.meta.url` with the module's path in the repository, relative to the bundle: `up` leads from the bundle to the root. */
export function placesOf(root, up) {
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
