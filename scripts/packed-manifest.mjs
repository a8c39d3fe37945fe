// npm pack: in a package everything that it needs is bundled, in the workspace it is what tsc made, beside the other workspaces. So the
// manifest of a package differs by what its own field `packed` says; afterwards the one of the workspace is put back.
//   packed-manifest.mjs write|restore packages/client
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";

const [, , what, folder] = process.argv;
const manifest = `${folder}/package.json`;
const kept = `${manifest}.workspace`;

if (existsSync(kept)) renameSync(kept, manifest); // also what a pack that was killed has left
if (what === "write") {
  const text = readFileSync(manifest, "utf8");
  const { packed, scripts, dependencies, devDependencies, ...rest } = JSON.parse(text);
  writeFileSync(kept, text);
  writeFileSync(manifest, `${JSON.stringify({ ...rest, ...packed }, undefined, 2)}\n`);
}
