import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** A program of Node, run from the root as a user would. It has a minute. */
export class Program {
  out = "";
  err = "";
  readonly ended: Promise<number | null>;
  readonly #child: ChildProcess;
  #look: () => void = () => {};

  /** @param args of node: its options, a file or `-e` and a text, and what the program is given */
  constructor(...args: readonly string[]) {
    const child = spawn(process.execPath, args, { cwd: root, stdio: "pipe" });
    this.#child = child;
    child.stdout.on("data", (bytes: Buffer) => {
      this.out += bytes;
      this.#look();
    });
    child.stderr.on("data", (bytes: Buffer) => {
      this.err += bytes;
    });
    const deadline = setTimeout(() => child.kill("SIGKILL"), 60_000);
    this.ended = once(child, "close").then(([code]: (number | null)[]) => {
      clearTimeout(deadline);
      this.#look();
      return code ?? null;
    });
  }

  /** Runs a text as a module. */
  static of(text: string, ...options: readonly string[]): Program {
    return new Program(...options, "--input-type=module", "-e", text);
  }

  /** Resolves when it has printed this; rejects when it ends without. */
  async untilOutput(words: string): Promise<void> {
    const said = () => this.out.includes(words);
    if (said()) return;
    await new Promise<void>((resolve) => {
      this.#look = () => {
        if (said() || this.#child.exitCode !== null) resolve();
      };
    });
    if (!said()) throw new Error(`it ended without printing ${words}: ${this.out}${this.err}`);
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  sendLine(line: string): void {
    this.#child.stdin?.end(`${line}\n`);
  }
}
