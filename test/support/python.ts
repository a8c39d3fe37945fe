import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rename, rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { z } from "zod";
import { isPermitted } from "../../scripts/licences.mjs";

const execute = promisify(execFile);
/** A folder of the project that git ignores. */
const kept = fileURLToPath(new URL("../../.tapedeck/", import.meta.url));
const command = process.env.TAPEDECK_TEST_PYTHON ?? "python3";
/** Time for a download of some ten megabytes, and for pip to compile it, in ms. */
const installMs = 600_000;
const runMs = 110_000;

/** How a program is started. */
export interface Program {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

/** A Python with packages of PyPI, for what researchers use. */
export class Python {
  readonly #packages: string;

  /**
   * Installs the packages into a folder where later runs find them. Undefined, with a line that says why, where that cannot be done.
   *
   * @param packages each with its version, such as `duckdb==1.5.5`, and options of pip
   */
  static with(...packages: readonly string[]): Promise<Python | undefined> {
    return Python.#prepared(packages.join(", "), packages, []);
  }

  /** The same of all packages that a file lists with their versions and hashes, pip's `requirements.txt`. */
  static async locked(path: string): Promise<Python | undefined> {
    const options = ["--require-hashes", "--no-deps", "--requirement", path];
    return Python.#prepared(`the packages of ${path}`, options, [await readFile(path, "utf8")]);
  }

  static async #prepared(name: string, options: readonly string[], contents: readonly string[]) {
    try {
      const version = await runPython(["-c", "import sys; print(sys.version_info >= (3, 10), sys.version)"]);
      if (!version.startsWith("True")) throw new Error(`it is older than Python 3.10: ${version.slice(6)}`);
      const hash = createHash("sha256")
        .update([version, ...(contents.length > 0 ? contents : options)].join(" "))
        .digest("hex")
        .slice(0, 16);
      const folder = `${kept}packages-${hash}`;
      if (!existsSync(folder)) await install(folder, options);
      return new Python(folder);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      process.stderr.write(`\nSKIPPED: tests with ${name}, since ${command} cannot run them: ${why}\n\n`);
      return undefined;
    }
  }

  private constructor(packages: string) {
    this.#packages = packages;
  }

  /** Runs a program and resolves to the JSON that it prints. Rejects with what it wrote to its standard error if it fails. */
  async run(program: string, ...args: readonly string[]): Promise<unknown> {
    return JSON.parse(await runPython(["-c", program, ...args], this.#packages));
  }

  /** The same of a file, which may import its neighbours. */
  async runFile(path: string, ...args: readonly string[]): Promise<unknown> {
    return JSON.parse(await runPython([path, ...args], this.#packages));
  }

  /** How to start a file as a process, which may import its neighbours. No proxy leads to what it talks to. */
  program(path: string, ...args: readonly string[]): Program {
    return { command, args: [path, ...args], env: environmentOf(this.#packages, withoutProxies()) };
  }

  /** The packages whose licence is none under which programs may be run in tests. Nothing of them is shipped. */
  async refusedLicences(): Promise<string[]> {
    const found = z.array(z.tuple([z.string(), z.string()])).parse(await this.run(licencesOfPackages, this.#packages));
    return found.flatMap(([name, licence]) => (mayBeRun(licence) ? [] : [`${name}: ${licence}`]));
  }
}

/** Prints name and licence of each package in a folder: an expression of SPDX, or the words that older packages have. */
const licencesOfPackages = `
import json, sys
from importlib.metadata import distributions
def licence(about):
    classifiers = [each.split(" :: ")[-1] for each in about.get_all("Classifier") or [] if each.startswith("License ::")]
    return about["License-Expression"] or about["License"] or (classifiers or ["none"])[0]
print(json.dumps([[each.metadata["Name"], licence(each.metadata)] for each in distributions(path=[sys.argv[1]])]))
`;

/** What old packages call their licences. */
const spdxNames: Readonly<Record<string, string>> = {
  "Apache 2.0": "Apache-2.0",
  "Apache License 2.0": "Apache-2.0",
  "Apache License, Version 2.0": "Apache-2.0",
  BSD: "BSD-3-Clause",
  "BSD License": "BSD-3-Clause",
  "MIT License": "MIT",
};

/** Besides what may be shipped, licences of files that are only used as they are. */
const ofUnchangedFiles = /\b(PSF-2\.0|CNRI-Python|MPL-2\.0)\b/g;

function mayBeRun(licence: string): boolean {
  return isPermitted((spdxNames[licence] ?? licence).replace(ofUnchangedFiles, "MIT"));
}

/** All of it, or nothing: a run that is interrupted leaves no half of a folder under the name that others look for. */
async function install(folder: string, packages: readonly string[]): Promise<void> {
  await mkdir(kept, { recursive: true });
  const fresh = await mkdtemp(`${folder}-`);
  try {
    const quietly = ["--quiet", "--disable-pip-version-check", "--no-warn-conflicts", "--root-user-action=ignore"];
    // Python compiles what is imported, and keeps it: of these packages that is a small part.
    await execute(command, ["-m", "pip", "install", ...quietly, "--no-compile", "--target", fresh, ...packages], {
      timeout: installMs,
    });
    await rename(fresh, folder);
  } catch (error) {
    await rm(fresh, { recursive: true, force: true });
    if (!existsSync(folder)) throw error; // otherwise another run was faster
  }
}

/** The environment without proxies: what is tested is on this machine. */
export function withoutProxies(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/_proxy$/i.test(name)));
}

function environmentOf(packages: string | undefined, env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return { ...env, PYTHONPATH: packages, PYTHONPYCACHEPREFIX: `${kept}compiled` }; // not beside the sources
}

async function runPython(args: readonly string[], packages?: string): Promise<string> {
  // Not by way of a proxy: what it reads is on this machine.
  const env = environmentOf(packages, { ...process.env, HTTP_PROXY: undefined, http_proxy: undefined });
  const { stdout } = await execute(command, [...args], { env, timeout: runMs, maxBuffer: 1 << 26 });
  return stdout;
}
