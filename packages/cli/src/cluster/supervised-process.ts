import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { type BackoffLimits, backoffMs } from "@tapedeck/runtime";
import { z } from "zod";
import { ProcessStartError } from "../user-error.js";

export interface SupervisedProcessOptions {
  /** Unique in the cluster: `gateway-1`. */
  readonly name: string;
  /** The module that the process runs. */
  readonly module: URL;
  /** Called at each start, so that a restarted process can get another environment. */
  readonly env: () => NodeJS.ProcessEnv;
  readonly logFile: string;
  /** Whether to restart the process when it ends unexpectedly. */
  readonly restart: boolean;
  /** Called when the process has become ready, is about to end, or has ended. */
  readonly onChange: () => void;
  readonly tell: (sentence: string) => void;
}

const message = z.discriminatedUnion("type", [
  z.looseObject({ type: z.literal("ready"), url: z.string().optional() }),
  z.looseObject({ type: z.literal("leaving") }),
]);
/**
 * Frames are short-lived and numerous. With a young generation of a megabyte, Node collects it a hundred times a second, each time with
 * helper threads whose waking costs more than the work: the first two flags save 4 us of a gateway's 20 per frame. Data from Redis counts as
 * external memory until the next collection: beside a small heap it makes V8 mark the whole heap once a second, another 5 us per frame.
 * With room for three times the live heap it does not. And a process that rests need not shrink its heap: V8 would collect all of it
 * several times for that, 70 ms of CPU time in each process, for 15 MB.
 */
export const nodeFlags = [
  "--min-semi-space-size=16",
  "--no-parallel-scavenge",
  "--heap-growing-percent=200",
  "--no-memory-reducer",
  "--enable-source-maps",
];
const backoff: BackoffLimits = { firstMs: 100, maxMs: 5000, jitter: 0 };
/** A process that lived this long resets the backoff. */
const stableAfterMs = 10_000;

/** One process of the cluster, restarted when it dies. Its address may differ from start to start. */
export class SupervisedProcess {
  readonly name: string;
  #options: SupervisedProcessOptions;
  #child: ChildProcess | undefined;
  #url = "";
  #ready = false;
  #everReady = false;
  #stopping = false;
  #failures = 0;
  #restartTimer: NodeJS.Timeout | undefined;

  constructor(options: SupervisedProcessOptions) {
    this.name = options.name;
    this.#options = options;
  }

  /** The current process: another one after a restart. */
  get child(): ChildProcess {
    if (!this.#child) throw new Error(`${this.name} has not been started`);
    return this.#child;
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** The address that it listens on; empty while it is not ready, and for a process that does not listen. */
  get url(): string {
    return this.#url;
  }

  /** Whether it accepts work: false while it is down, starting, or finishing its work before it ends. */
  get ready(): boolean {
    return this.#ready;
  }

  /**
   * Resolves when the process announces that it serves.
   *
   * @throws ProcessStartError with the end of its log, if it ends before
   */
  start(): Promise<void> {
    const { module, env, logFile } = this.#options;
    // A restart appends to the same log, so that the reason for the restart stays readable.
    const log = openSync(logFile, this.#child ? "a" : "w");
    // A process group of its own: Ctrl-C in the terminal reaches only the supervisor, which stops the processes in order.
    const child = spawn(process.execPath, [...nodeFlags, fileURLToPath(module)], {
      env: env(),
      detached: true,
      stdio: ["ignore", log, log, "ipc"],
    });
    closeSync(log);
    this.#child = child;
    const startedAt = performance.now();

    return new Promise((resolve, reject) => {
      let served = false;
      child.on("message", (received) => {
        const { data } = message.safeParse(received);
        if (data?.type === "leaving") this.#unready();
        if (data?.type !== "ready") return;
        served = this.#ready = this.#everReady = true;
        this.#url = data.url ?? "";
        this.#options.onChange();
        resolve();
      });
      child.on("error", reject);
      child.once("exit", (code, signal) => {
        this.#unready();
        killGroup(child);
        if (!served)
          void endOf(logFile).then((lines) => reject(new ProcessStartError(lines || `${this.name} did not start.`)));
        if (this.#stopping) return;
        if (performance.now() - startedAt > stableAfterMs) this.#failures = 0;
        if (this.#everReady) this.#scheduleRestart(signal ?? `code ${code}`);
      });
    });
  }

  /** Sends the process a message; if it has just died, the message is lost. */
  send(message: Readonly<Record<string, unknown>>): void {
    if (this.#child?.connected) this.#child.send(message, () => {});
  }

  /** Asks the process to end, and kills it after `budgetMs`. */
  async stop(budgetMs: number): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#restartTimer);
    const child = this.#child;
    if (!child || !isRunning(child)) return;
    const exited = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGTERM");
    const timer = setTimeout(() => killGroup(child), budgetMs);
    await exited;
    clearTimeout(timer);
  }

  /** Ends the process at once, and for good. */
  kill(): void {
    this.#stopping = true;
    clearTimeout(this.#restartTimer);
    if (this.#child && isRunning(this.#child)) killGroup(this.#child);
  }

  #unready(): void {
    if (!this.#ready) return;
    this.#ready = false;
    this.#url = "";
    this.#options.onChange();
  }

  #scheduleRestart(reason: string): void {
    const { restart, tell, logFile } = this.#options;
    if (!restart) return;
    this.#failures++;
    const waitMs = backoffMs(this.#failures, backoff);
    tell(`${this.name} ended (${reason}); restarting it in ${waitMs} ms, its log is ${logFile}`);
    this.#restartTimer = setTimeout(() => {
      // If this start fails too, the exit handler above has already scheduled the next one.
      this.start().catch(() => {});
    }, waitMs);
  }
}

function isRunning({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode === null && signalCode === null;
}

/** Kills the process and its own children: a killed supervisor of Redis must not leave Redis behind. */
function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // The group has no process left, as intended.
  }
}

/** The last lines of a log: a process that fails to start says why at the end. */
async function endOf(logFile: string): Promise<string> {
  const log = await readFile(logFile, "utf8").catch(() => "");
  return log.trim().split("\n").slice(-12).join("\n");
}
