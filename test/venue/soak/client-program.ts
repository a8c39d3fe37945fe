import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { z } from "zod";
import type { Program } from "../../support/python.js";
import { tradeReport } from "../../support/venue/reconciled.js";

const side = z.array(z.tuple([z.coerce.number(), z.coerce.number()]).rest(z.unknown()));
const done = z.object({ done: z.literal(true) });
const soakReport = tradeReport.extend({
  placed: z.int(),
  /** What went wrong, with the time in ms. */
  problems: z.array(z.object({ at: z.number(), what: z.string() })),
  reconnects: z.int(),
  /** The best levels of its local book. */
  book: z.object({ bids: side, asks: side }),
});
export type SoakReport = z.infer<typeof soakReport>;

/** Time for an answer to a line, in ms. The client asks for its trades first, which takes long on a busy machine. */
const answerMs = 60_000;
/** How much is kept of what a program prints, to explain a failure. */
const keptChars = 1_500;

const running = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** A client's program that trades for its task's time, and then reports what it knows on request. */
export class ClientProgram {
  readonly #child: ChildProcess;
  readonly #waiting: ((line: string) => void)[] = [];
  readonly #ended: Promise<never>;
  #said = "";

  constructor({ command, args, env }: Program) {
    const child = spawn(command, [...args], { env, stdio: ["pipe", "pipe", "pipe"] });
    this.#child = child;
    running.add(child);
    child.once("exit", () => running.delete(child));
    child.stderr.setEncoding("utf8").on("data", (text: string) => this.#note(text));
    createInterface({ input: child.stdout }).on("line", (line) => {
      if (line.startsWith("{")) this.#waiting.shift()?.(line);
      else if (line !== "") this.#note(`${line}\n`);
    });
    this.#ended = once(child, "close").then(([code, signal]) => {
      throw new Error(`the program ended with ${code ?? signal}: ${this.#said}`);
    });
    this.#ended.catch(() => {}); // only a caller that waits for the program gets the error
  }

  /** The end of what it printed besides its reports. */
  get said(): string {
    return this.#said;
  }

  /** Resolves when it has placed its orders and its time is over. */
  async untilDone(ms: number): Promise<void> {
    done.parse(JSON.parse(await this.#line(ms)));
  }

  /** What it knows at this moment. */
  async report(): Promise<SoakReport> {
    const answer = this.#line(answerMs);
    this.#child.stdin?.write("\n");
    return soakReport.parse(JSON.parse(await answer));
  }

  /** Ends it; some clients do not end their threads by themselves. */
  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill("SIGKILL");
    await once(this.#child, "exit");
  }

  #note(text: string): void {
    this.#said = (this.#said + text).slice(-keptChars);
  }

  async #line(ms: number): Promise<string> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`the program said nothing for ${ms / 1_000} s: ${this.#said}`)), ms);
    });
    try {
      return await Promise.race([new Promise<string>((resolve) => this.#waiting.push(resolve)), this.#ended, late]);
    } finally {
      clearTimeout(timer);
    }
  }
}
