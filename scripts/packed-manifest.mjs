// npm pack: a published package is a bundle, while in the workspace it is tsc's output beside the other workspaces. So its manifest is
// changed as its own field `packed` says, and restored afterwards.
//   packed-manifest.mjs write|restore packages/client
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";

const [, , what, folder] = process.argv;
const manifest = `${folder}/package.json`;
const kept = `${manifest}.workspace`;

if (existsSync(kept)) renameSync(kept, manifest); // also after a pack that was killed
if (what === "write") {
  const text = readFileSync(manifest, "utf8");
  const { packed, scripts, dependencies, devDependencies, ...rest } = JSON.parse(text);
  writeFileSync(kept, text);
  writeFileSync(manifest, `${JSON.stringify({ ...rest, ...packed }, undefined, 2)}\n`);
}
