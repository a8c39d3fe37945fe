import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { vi } from "vitest";

/** util-linux's `script`, which every Debian has; that of macOS and BSD takes other arguments. */
export const hasTerminals =
  process.platform === "linux" &&
  spawnSync("script", ["--version"], { encoding: "utf8" }).stdout?.includes("util-linux");

const ctrlC = "\x03";

/** A command in its own pseudo-terminal, where Ctrl-C signals all foreground processes as in a user's terminal. */
export class Terminal {
  readonly #script: ChildProcess;
  #said = "";

  constructor(command: string, { cwd, env }: { readonly cwd: string; readonly env: NodeJS.ProcessEnv }) {
    // A shell that waits for a command, as dash does, ends by the signal of Ctrl-C itself and hides the command's exit code.
    const execute = `exec ${command}`;
    this.#script = spawn("script", ["--quiet", "--return", "--flush", "--command", execute, "/dev/null"], { cwd, env });
    for (const stream of [this.#script.stdout, this.#script.stderr]) {
      stream?.on("data", (chunk: Buffer) => {
        this.#said += chunk.toString();
      });
    }
    this.#script.stdin?.on("error", () => {}); // the command has ended, which `ended` reports
  }

  /** All that the command has printed, with what was typed. */
  get said(): string {
    return this.#said;
  }

  pressCtrlC(times = 1): void {
    this.#script.stdin?.write(ctrlC.repeat(times));
  }

  /** Ends the terminal, as closing its window does: the system sends SIGHUP to what runs in it. */
  close(): void {
    this.#script.kill("SIGKILL");
  }

  /** Waits until the command has printed this. */
  async prints(text: string | RegExp, ms = 90_000): Promise<void> {
    const holds = () => (typeof text === "string" ? this.#said.includes(text) : text.test(this.#said));
    await vi.waitUntil(
      () => {
        if (holds()) return true;
        if (this.#hasEnded) throw new Error(`ended without printing ${text}:\n${this.#said}`);
        return false;
      },
      { timeout: ms, interval: 20 },
    );
  }

  /** Waits for the command's end; resolves with its exit code, which is 128 and more after a signal. */
  async ended(): Promise<number | null> {
    if (!this.#hasEnded) await once(this.#script, "exit");
    return this.#script.exitCode;
  }

  get #hasEnded(): boolean {
    return this.#script.exitCode !== null || this.#script.signalCode !== null;
  }
}
