import { type ChildProcess, fork } from "node:child_process";
import type { History } from "../oracle/history.js";
import type { Analysis } from "../report/analysis.js";
import { HistorySender } from "./sent-history.js";

/** Where the process reads tapes. */
export interface AnalystOptions {
  readonly redisUrl: string;
  /** Of the cluster's keys. */
  readonly prefix: string;
  readonly folder: string;
}

/** Has histories checked in a process of its own: the rules take up to some tenths of a second, in which this one would receive nothing. */
export class Analyst {
  readonly #child: ChildProcess;
  readonly #sender = new HistorySender();

  constructor({ redisUrl, prefix, folder }: AnalystOptions) {
    const script = new URL("./analyst-main.ts", import.meta.url);
    this.#child = fork(script, [redisUrl, prefix, folder], { serialization: "advanced" });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** One at a time. */
  async analyse(history: History): Promise<Analysis> {
    const answer = new Promise<Analysis>((resolve, reject) => {
      const ended = () => reject(new Error("the process that checks histories has ended"));
      this.#child.once("exit", ended);
      this.#child.once("message", (analysis: Analysis) => {
        this.#child.off("exit", ended);
        resolve(analysis);
      });
    });
    this.#child.send(this.#sender.pack(history));
    return answer;
  }

  close(): void {
    this.#child.disconnect();
  }
}
