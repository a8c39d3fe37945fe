import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const execute = promisify(execFile);
/** A folder of the project that git ignores. */
const kept = fileURLToPath(new URL("../../.tapedeck/", import.meta.url));
const command = process.env.TAPEDECK_TEST_PYTHON ?? "python3";
/** Time for a download of some ten megabytes, in ms. */
const installMs = 180_000;
const runMs = 110_000;

/** A Python with packages of PyPI, for what researchers use. */
export class Python {
  readonly #packages: string;

  /**
   * Installs the packages into a folder where later runs find them. Undefined, with a line that says why, where that cannot be done.
   *
   * @param packages each with its version, such as `duckdb==1.5.5`, and options of pip
   */
  static async with(...packages: readonly string[]): Promise<Python | undefined> {
    try {
      const version = await runPython(["-c", "import sys; print(sys.version_info >= (3, 10), sys.version)"]);
      if (!version.startsWith("True")) throw new Error(`it is older than Python 3.10: ${version.slice(6)}`);
      const hash = createHash("sha256")
        .update([version, ...packages].join(" "))
        .digest("hex")
        .slice(0, 16);
      const folder = `${kept}packages-${hash}`;
      if (!existsSync(folder)) await install(folder, packages);
      return new Python(folder);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      process.stderr.write(
        `\nSKIPPED: tests with ${packages.join(", ")}, since ${command} cannot run them: ${why}\n\n`,
      );
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
}

/** All of it, or nothing: a run that is interrupted leaves no half of a folder under the name that others look for. */
async function install(folder: string, packages: readonly string[]): Promise<void> {
  await mkdir(kept, { recursive: true });
  const fresh = await mkdtemp(`${folder}-`);
  try {
    const quietly = ["--quiet", "--disable-pip-version-check", "--no-warn-conflicts", "--root-user-action=ignore"];
    await execute(command, ["-m", "pip", "install", ...quietly, "--target", fresh, ...packages], {
      timeout: installMs,
    });
    await rename(fresh, folder);
  } catch (error) {
    await rm(fresh, { recursive: true, force: true });
    if (!existsSync(folder)) throw error; // otherwise another run was faster
  }
}

async function runPython(args: readonly string[], packages?: string): Promise<string> {
  // Not by way of a proxy: what it reads is on this machine.
  const env = {
    ...process.env,
    HTTP_PROXY: undefined,
    http_proxy: undefined,
    PYTHONPATH: packages,
    PYTHONDONTWRITEBYTECODE: "1",
  };
  const { stdout } = await execute(command, [...args], { env, timeout: runMs, maxBuffer: 1 << 26 });
  return stdout;
}
