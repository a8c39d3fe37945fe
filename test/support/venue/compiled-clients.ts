import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { withoutProxies } from "../python.js";

const execute = promisify(execFile);
const sources = fileURLToPath(new URL("../../venue/clients/", import.meta.url));
/** A folder of the project that git ignores. */
const kept = fileURLToPath(new URL("../../../.tapedeck/", import.meta.url));
/** Time for downloads and a compiler, in ms. */
const buildMs = 300_000;

/** How to start a client. Its last argument is a task. */
export interface CompiledClient {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

/** Builds the client in Go once. Undefined, with a line that says why, where that cannot be done; it installs no compiler. */
export async function goClient(): Promise<CompiledClient | undefined> {
  const folder = await built("go", async (target) => {
    await execute("go", ["build", "-o", join(target, "client"), "."], { cwd: target, timeout: buildMs });
  });
  if (folder === undefined) return undefined;
  return { name: "go-binance", command: join(folder, "client"), args: [], env: withoutProxies() };
}

/** The same of the client in Java, by a JDK and Maven. */
export async function javaClient(): Promise<CompiledClient | undefined> {
  const folder = await built("java", async (target) => {
    const copy = ["--quiet", "--batch-mode", "dependency:copy-dependencies", "-DoutputDirectory=lib"];
    await execute("mvn", copy, { cwd: target, timeout: buildMs });
    await execute("javac", ["-classpath", join("lib", "*"), "-sourcepath", ".", "Client.java"], {
      cwd: target,
      timeout: buildMs,
    });
  });
  if (folder === undefined) return undefined;
  const classpath = [folder, join(folder, "lib", "*")].join(delimiter);
  return {
    name: "binance-connector-java",
    command: "java",
    args: ["-classpath", classpath, "Client"],
    env: withoutProxies(),
  };
}

/** A folder with the sources of a language and what was built of them; once for each state of the sources. */
async function built(language: string, build: (folder: string) => Promise<void>): Promise<string | undefined> {
  try {
    const from = join(sources, language);
    const texts = await Promise.all((await readdir(from)).sort().map((file) => readFile(join(from, file), "utf8")));
    const hash = createHash("sha256").update(texts.join("\n")).digest("hex").slice(0, 16);
    const folder = join(kept, `clients-${language}-${hash}`);
    if (!existsSync(folder)) await buildIn(folder, from, build);
    return folder;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    process.stderr.write(
      `\nSKIPPED: tests with clients of exchanges in ${language}, which cannot be built: ${why}\n\n`,
    );
    return undefined;
  }
}

/** All of it, or nothing: a run that is interrupted leaves no half of a folder under the name that others look for. */
async function buildIn(folder: string, from: string, build: (folder: string) => Promise<void>): Promise<void> {
  await mkdir(kept, { recursive: true });
  const fresh = await mkdtemp(`${folder}-`);
  try {
    await cp(from, fresh, { recursive: true });
    await build(fresh);
    await rename(fresh, folder);
  } catch (error) {
    await rm(fresh, { recursive: true, force: true });
    if (!existsSync(folder)) throw error; // otherwise another run was faster
  }
}
