import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { z } from "zod";

const run = promisify(execFile);

export const root = fileURLToPath(new URL("../../", import.meta.url));
export const client = join(root, "clients/python");

/** What the client and its tests need, with the majors that they are tested with. */
const packages = [
  "hatchling>=1.25,<2",
  "httpx>=0.27,<1",
  "websockets>=14,<18",
  "pyarrow>=17",
  "polars>=1,<3",
  "pandas>=2,<4",
  "pytest>=8,<10",
  "mypy>=1.11,<3",
  "ruff>=0.6,<1",
  "nbclient>=0.10,<1",
  "ipykernel>=6,<8",
];

/** A Python with the client installed, or why there is none. */
export type PythonEnvironment = { readonly python: string } | { readonly missing: string };

/**
 * The packages are installed once, into a folder of the project that git ignores, and again when their list changes. The client is
 * installed anew each time, since its files may have changed; if that fails, the tests fail.
 */
export async function pythonEnvironment(): Promise<PythonEnvironment> {
  let python: string | undefined;
  try {
    python = await pythonWithPackages();
  } catch (error) {
    return { missing: `its packages cannot be installed: ${lastLines(error)}` };
  }
  if (python === undefined) return { missing: "there is no Python 3.10 or later with venv and pip" };
  // Not isolated, which would fetch the build tool for each test file.
  await pip(python, "--force-reinstall", "--no-deps", "--no-build-isolation", client);
  return { python };
}

async function pythonWithPackages(): Promise<string | undefined> {
  const base = await findPython();
  if (base === undefined) return undefined;
  const key = createHash("sha256")
    .update(JSON.stringify([base, packages]))
    .digest("hex")
    .slice(0, 12);
  const folder = join(root, ".tapedeck", `python-${key}`);
  const python = join(folder, "bin/python");
  const finished = join(folder, "finished");
  if (existsSync(finished)) return python;
  console.log("preparing a Python environment for the tests of clients/python, once: this takes a minute or two");
  await rm(folder, { recursive: true, force: true });
  await mkdir(join(root, ".tapedeck"), { recursive: true });
  await run(base, ["-m", "venv", folder]);
  await pip(python, ...packages);
  await writeFile(finished, "");
  return python;
}

async function pip(python: string, ...what: string[]): Promise<void> {
  const options = ["--quiet", "--disable-pip-version-check", "--no-input", "--timeout", "20", "--retries", "1"];
  await run(python, ["-m", "pip", "install", ...options, ...what], { cwd: root, timeout: 600_000 });
}

/** The name of the first one that will do. */
async function findPython(): Promise<string | undefined> {
  const check = "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))";
  for (const name of ["python3", "python3.14", "python3.13", "python3.12", "python3.11", "python3.10"]) {
    const found = await run(name, ["-c", check]).then(
      () => true,
      () => false,
    );
    if (found) return name;
  }
  return undefined;
}

function lastLines(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.trim().split("\n").slice(-2).join(" ");
}

/** How `execFile` rejects when a program ends with an error. */
const ended = z.object({ code: z.int(), stdout: z.string(), stderr: z.string() });

/** Runs a tool of the environment in the client's folder. What it printed, and how it ended. */
export async function runTool(python: string, tool: string, args: readonly string[]) {
  const options = { ...limits, cwd: client };
  try {
    const { stdout, stderr } = await run(python, ["-m", tool, ...args], options);
    return { code: 0, out: stdout + stderr };
  } catch (error) {
    const failed = ended.safeParse(error);
    if (!failed.success) throw error;
    return { code: failed.data.code, out: failed.data.stdout + failed.data.stderr };
  }
}

/** What a program prints. Rejects with what it printed as errors if it fails. */
export async function runPython(python: string, args: readonly string[], env = environmentOfPython): Promise<string> {
  const { stdout } = await run(python, [...args], { ...limits, env, cwd: root });
  return stdout;
}

/** Clusters of the tests are on this machine, so no proxy leads to them. */
export const environmentOfPython: NodeJS.ProcessEnv = {
  ...process.env,
  NO_PROXY: "127.0.0.1,localhost",
  no_proxy: "127.0.0.1,localhost",
  PYTHONDONTWRITEBYTECODE: "1",
};

const limits = { timeout: 110_000, maxBuffer: 64 << 20, env: environmentOfPython };
