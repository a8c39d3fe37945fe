import { type ChildProcess, fork } from "node:child_process";
import { setPriority } from "node:os";
import type { Truth } from "./history.js";

export type TruthAnswer =
  | { readonly session: string; readonly truth: Truth }
  | { readonly session: string; readonly error: string };

/** Of a process: 19 is the lowest. */
const lowPriority = 10;

/** Has the trading of sessions computed in a process of its own, from what Redis and the tape store have. */
export class TruthReader {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<string, { resolve(truth: Truth): void; reject(error: Error): void }>();

  /** @param folder of the tapes */
  constructor({
    redisUrl,
    prefix,
    folder,
  }: { readonly redisUrl: string; readonly prefix: string; readonly folder: string }) {
    const script = new URL("./truth-main.ts", import.meta.url);
    this.#child = fork(script, [redisUrl, prefix, folder], {
      execArgv: ["--import", "tsx"],
      serialization: "advanced",
    });
    // The check can wait, the cluster that is checked cannot.
    if (this.#child.pid !== undefined) setPriority(this.#child.pid, lowPriority);
    this.#child.on("message", (answer: TruthAnswer) => {
      const waiting = this.#waiting.get(answer.session);
      this.#waiting.delete(answer.session);
      if ("truth" in answer) waiting?.resolve(answer.truth);
      else waiting?.reject(new Error(answer.error));
    });
    this.#child.on("exit", () => {
      for (const { reject } of this.#waiting.values())
        reject(new Error("the process that computes the truth has ended"));
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Rejects if Redis or the store cannot be read at the moment. One at a time of a session. */
  of(session: string): Promise<Truth> {
    return new Promise((resolve, reject) => {
      this.#waiting.set(session, { resolve, reject });
      this.#child.send(session);
    });
  }

  close(): void {
    this.#child.disconnect();
  }
}
