import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { cp, mkdir, mkdtemp, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { isPermitted } from "../../scripts/licences.mjs";

const execute = promisify(execFile);
const listed = fileURLToPath(new URL("../venue/clients/", import.meta.url));
/** A folder of the project that git ignores. */
const kept = fileURLToPath(new URL("../../.tapedeck/", import.meta.url));
const files = ["package.json", "package-lock.json", ".npmrc"];
/** Time for a download of some tens of megabytes, in ms. */
const installMs = 180_000;

/**
 * Installs the clients of exchanges that `test/venue/clients` lists, once, as their users do. They are no dependencies of the project: they
 * take as much as all of it.
 *
 * @returns a folder with `node_modules`; undefined, with a line that says why, where they cannot be installed
 */
export async function npmClients(): Promise<string | undefined> {
  try {
    const texts = await Promise.all(files.map((file) => readFile(join(listed, file), "utf8")));
    const hash = createHash("sha256").update(texts.join("\n")).digest("hex").slice(0, 16);
    const folder = join(kept, `clients-${hash}`);
    if (!existsSync(folder)) await install(folder);
    return folder;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    process.stderr.write(`\nSKIPPED: tests with clients of exchanges from npm, which cannot be installed: ${why}\n\n`);
    return undefined;
  }
}

/** All of it, or nothing: a run that is interrupted leaves no half of a folder under the name that others look for. */
async function install(folder: string): Promise<void> {
  await mkdir(kept, { recursive: true });
  const fresh = await mkdtemp(`${folder}-`);
  try {
    for (const file of files) await cp(join(listed, file), join(fresh, file));
    await execute("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], { cwd: fresh, timeout: installMs });
    await rename(fresh, folder);
  } catch (error) {
    await rm(fresh, { recursive: true, force: true });
    if (!existsSync(folder)) throw error; // otherwise another run was faster
  }
}

/** The packages of the clients whose licence is not one that the project permits. */
export async function refusedLicences(): Promise<string[]> {
  const lock: { packages: Record<string, { license?: string }> } = JSON.parse(
    await readFile(join(listed, "package-lock.json"), "utf8"),
  );
  return Object.entries(lock.packages)
    .filter(([name, { license }]) => name !== "" && !(license !== undefined && isPermitted(license)))
    .map(([name, { license }]) => `${name}: ${license}`);
}
