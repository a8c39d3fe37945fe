import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const execute = promisify(execFile);
/** A folder of the project that git ignores. */
const kept = fileURLToPath(new URL("../../.tapedeck/", import.meta.url));
const installMs = 180_000;

/**
 * The folder of a package that only a test uses, installed once: other licences than the product's may be used there. Undefined, with a line that says why, where
 * that cannot be done.
 *
 * @param wanted with its version, such as `tardis-dev@13.35.3`
 */
export async function npmPackage(wanted: string): Promise<string | undefined> {
  const folder = join(kept, `npm-${wanted.replaceAll(/[^\w.-]/g, "-")}`);
  if (existsSync(folder)) return folder;
  await mkdir(kept, { recursive: true });
  const fresh = await mkdtemp(`${folder}-`);
  try {
    await writeFile(join(fresh, "package.json"), '{"private":true}');
    const quietly = ["--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"];
    await execute("npm", ["install", ...quietly, wanted], { cwd: fresh, timeout: installMs });
    await rename(fresh, folder);
    return folder;
  } catch (error) {
    await rm(fresh, { recursive: true, force: true });
    if (existsSync(folder)) return folder; // another run was faster
    const why = error instanceof Error ? error.message : String(error);
    process.stderr.write(`\nSKIPPED: tests with ${wanted}, since it cannot be installed: ${why}\n\n`);
    return undefined;
  }
}
