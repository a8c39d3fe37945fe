import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { ProcessStartError } from "../user-error.js";

export interface SupervisedProcessOptions {
  /** Unique in the cluster: `gateway-1`. */
  readonly name: string;
  /** The module that the process runs. */
  readonly module: URL;
  /** Called at each start, so that a successor can have an environment of its own. */
  readonly env: () => NodeJS.ProcessEnv;
  readonly logFile: string;
  /** Start it again when it ends unasked. */
  readonly restart: boolean;
  /** Called when it has become ready, is about to end, or is gone. */
  readonly onChange: () => void;
  readonly tell: (sentence: string) => void;
}

const message = z.discriminatedUnion("type", [
  z.looseObject({ type: z.literal("ready"), url: z.string().optional() }),
  z.looseObject({ type: z.literal("leaving") }),
]);
/**
 * Frames are short-lived and many: with a young generation of a megabyte Node collects it a hundred times a second, each time
 * with helper threads whose waking costs more than the work. Saves 4 us of a gateway's 20 for a frame. And what Redis
 * sends counts as outside memory until the next such collection: beside a small heap it is enough for V8 to mark the whole heap
 * once a second, 5 us a frame again. With room for three times the live heap it does not.
 */
export const nodeFlags = [
  "--min-semi-space-size=16",
  "--no-parallel-scavenge",
  "--heap-growing-percent=200",
  "--enable-source-maps",
];
const firstBackoffMs = 100;
const longestBackoffMs = 5000;
/** One that lived this long has earned a fresh backoff. */
const soundAfterMs = 10_000;

/** One process of the cluster, started again when it dies. Its address may differ from start to start. */
export class SupervisedProcess {
  readonly name: string;
  #options: SupervisedProcessOptions;
  #child: ChildProcess | undefined;
  #url: string | undefined;
  #ready = false;
  #everReady = false;
  #stopping = false;
  #backoffMs = firstBackoffMs;
  #again: NodeJS.Timeout | undefined;

  constructor(options: SupervisedProcessOptions) {
    this.name = options.name;
    this.#options = options;
  }

  /** The process as it is now: another one after a restart. */
  get child(): ChildProcess {
    if (!this.#child) throw new Error(`${this.name} has not been started`);
    return this.#child;
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** Where it listens; undefined while it takes nothing new, and for one that does not listen. */
  get url(): string | undefined {
    return this.#url;
  }

  /** Whether it may be sent work: false while it is down, starts, or finishes what it has because it was told to end. */
  get ready(): boolean {
    return this.#ready;
  }

  /**
   * Resolves when the process says that it serves.
   *
   * @throws Problem with its last words, if it ends before
   */
  start(): Promise<void> {
    const { module, env, logFile } = this.#options;
    // A restart goes on in the same log, so that the reason of the death before it can still be read.
    const log = openSync(logFile, this.#child ? "a" : "w");
    // A group of its own, so that Ctrl-C in the terminal reaches the supervisor only, and the order of stopping is ours.
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
      child.on("message", (said) => {
        const { data } = message.safeParse(said);
        if (data?.type === "leaving") this.#unready();
        if (data?.type !== "ready") return;
        served = this.#ready = this.#everReady = true;
        this.#url = data.url;
        this.#options.onChange();
        resolve();
      });
      child.on("error", reject);
      child.once("exit", (code, signal) => {
        this.#unready();
        killGroup(child);
        if (!served)
          void lastLogLines(logFile).then((words) =>
            reject(new ProcessStartError(words || `${this.name} did not start.`)),
          );
        if (this.#stopping) return;
        if (performance.now() - startedAt > soundAfterMs) this.#backoffMs = firstBackoffMs;
        if (this.#everReady) this.#startAgain(signal ?? `code ${code}`);
      });
    });
  }

  /** Tells the process something; one that has just died need not hear it. */
  send(message: Readonly<Record<string, unknown>>): void {
    if (this.#child?.connected) this.#child.send(message, () => {});
  }

  /** Asks the process to end, and makes it end after `budgetMs`. */
  async stop(budgetMs: number): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#again);
    const child = this.#child;
    if (!child || !isRunning(child)) return;
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGTERM");
    const last = setTimeout(() => killGroup(child), budgetMs);
    await gone;
    clearTimeout(last);
  }

  /** Ends the process at once, and for good. */
  kill(): void {
    this.#stopping = true;
    clearTimeout(this.#again);
    if (this.#child && isRunning(this.#child)) killGroup(this.#child);
  }

  #unready(): void {
    if (!this.#ready) return;
    this.#ready = false;
    this.#url = undefined;
    this.#options.onChange();
  }

  #startAgain(why: string): void {
    const { restart, tell, logFile } = this.#options;
    if (!restart) return;
    tell(`${this.name} ended (${why}); starting it again in ${this.#backoffMs} ms, its log is ${logFile}`);
    this.#again = setTimeout(() => {
      // When this start fails too, the exit above has already planned the next one.
      this.start().catch(() => {});
    }, this.#backoffMs);
    this.#backoffMs = Math.min(longestBackoffMs, this.#backoffMs * 2);
  }
}

function isRunning({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode === null && signalCode === null;
}

/** The process and what it started itself: a killed supervisor of Redis must not leave Redis behind. */
function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // Nothing is left of the group, as it should be.
  }
}

/** The last line that is for people: a start that fails says why as its last word. */
async function lastLogLines(logFile: string): Promise<string> {
  const log = await readFile(logFile, "utf8").catch(() => "");
  return log.trim().split("\n").slice(-12).join("\n");
}
