import type { Worker } from "node:worker_threads";
import type { TapeEvent } from "../tape.js";
import type { PricesTask, SearchMessage, SearchReply } from "./search-worker.js";
import type { SegmentTask } from "./segment-worker.js";
import { startWorker } from "./start-worker.js";

/** What is asked of simulated markets beyond what somebody watches: it takes long, and may be given up. */
export interface MarketSearch {
  /** The events of a segment. */
  events(task: SegmentTask, signal?: AbortSignal): Promise<readonly TapeEvent[]>;
  /** The fair price at the beginning of each of the segments. */
  prices(task: PricesTask, signal?: AbortSignal): Promise<readonly number[]>;
}

interface Job {
  readonly message: SearchMessage;
  settle(outcome: SearchReply | Error): void;
}

/**
 * One thread of low priority for all searches of a process, so that however many there are, they take nothing from what is watched. It
 * does a segment at a time, in the order in which they were asked for. A search asks for its next segment when it has the last one,
 * so all searches take turns. A job whose signal aborts is not begun, or ends within six seconds of market. Starts when it is needed,
 * and keeps no process alive.
 */
export class SearchThread implements MarketSearch {
  readonly #waiting: Job[] = [];
  #worker: Worker | undefined;
  #current: Job | undefined;

  async events(task: SegmentTask, signal?: AbortSignal): Promise<readonly TapeEvent[]> {
    const reply = await this.#carriedOut({ events: task }, signal);
    return "events" in reply ? reply.events : [];
  }

  async prices(task: PricesTask, signal?: AbortSignal): Promise<readonly number[]> {
    const reply = await this.#carriedOut({ prices: task }, signal);
    return "prices" in reply ? reply.prices : [];
  }

  async close(): Promise<void> {
    await this.#worker?.terminate();
  }

  #carriedOut(message: SearchMessage, signal: AbortSignal | undefined): Promise<SearchReply> {
    return new Promise((resolve, reject) => {
      const settle = (outcome: SearchReply | Error): void => {
        signal?.removeEventListener("abort", leave);
        if (outcome instanceof Error) reject(outcome);
        else if ("error" in outcome) reject(new Error(`a simulated market could not be searched: ${outcome.error}`));
        else resolve(outcome);
      };
      const job: Job = { message, settle };
      const leave = (): void => {
        const at = this.#waiting.indexOf(job);
        if (at >= 0) this.#waiting.splice(at, 1);
        else this.#worker?.postMessage("stop" satisfies SearchMessage);
        settle(signal?.reason);
      };
      signal?.throwIfAborted();
      signal?.addEventListener("abort", leave);
      this.#waiting.push(job);
      this.#next();
    });
  }

  #next(): void {
    if (this.#current !== undefined) return;
    this.#current = this.#waiting.shift();
    if (this.#current === undefined) {
      this.#worker?.unref();
      return;
    }
    this.#worker ??= this.#start();
    this.#worker.ref();
    this.#worker.postMessage(this.#current.message);
  }

  /** The current job is over. Where it was given up, nobody hears of it any more. */
  #over(outcome: SearchReply | Error): void {
    const job = this.#current;
    this.#current = undefined;
    job?.settle(outcome);
    this.#next();
  }

  #start(): Worker {
    const worker = startWorker("search-worker");
    worker.on("message", (reply: SearchReply) => this.#over(reply));
    const gone = (error: Error): void => {
      if (this.#worker !== worker) return;
      this.#worker = undefined;
      this.#over(error);
    };
    worker.on("error", gone);
    worker.on("exit", (code) => gone(new Error(`the thread of searches ended with ${code}`)));
    return worker;
  }
}
