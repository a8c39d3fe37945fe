import type { Worker } from "node:worker_threads";
import type { TapeEvent } from "../tape.js";
import { startThread } from "../threads/start-thread.js";
import type { BlockTask } from "./running/checkpoints.js";
import type { TrackStretch } from "./running/track-run.js";
import type { PricesTask, SearchMessage, SearchReply } from "./search-worker.js";
import type { SegmentTask } from "./segment-worker.js";
import type { SegmentLevels, SegmentOrders } from "./track/segment-track.js";

/** Makes of simulated markets what is not watched. Searches take long, and may be cancelled. */
export interface MarketSearch {
  /** The events of a segment. */
  events(task: SegmentTask, signal?: AbortSignal): Promise<readonly TapeEvent[]>;
  /** The fair price at the beginning of each of the segments. */
  prices(task: PricesTask, signal?: AbortSignal): Promise<readonly number[]>;
  /** The changes of levels and the trades of a segment. */
  levels(task: SegmentTask): Promise<SegmentLevels>;
  /** What happens to the orders of a segment. */
  orders(task: SegmentTask): Promise<SegmentOrders>;
  /** Both, of a block of a market that sees orders of a user. */
  track(task: BlockTask): Promise<TrackStretch>;
}

interface Job {
  readonly message: SearchMessage;
  settle(outcome: SearchReply | Error): void;
}

/**
 * One low-priority thread for all searches and event tracks of a process, so that they do not slow down playback. It makes a segment at a time, in the
 * order of requests. A search requests its next segment when it has the last one, so searches alternate. A job whose signal aborts does
 * not start, or ends within six seconds of market time. The thread starts on demand, and does not keep the process alive.
 */
export class SearchThread implements MarketSearch {
  readonly #waiting: Job[] = [];
  #worker: Worker | undefined;
  #current: Job | undefined;

  async events(task: SegmentTask, signal?: AbortSignal): Promise<readonly TapeEvent[]> {
    const reply = await this.#run({ events: task }, signal);
    return "events" in reply ? reply.events : [];
  }

  async prices(task: PricesTask, signal?: AbortSignal): Promise<readonly number[]> {
    const reply = await this.#run({ prices: task }, signal);
    return "prices" in reply ? reply.prices : [];
  }

  async levels(task: SegmentTask): Promise<SegmentLevels> {
    const reply = await this.#run({ levels: task }, undefined);
    if ("levels" in reply) return reply.levels;
    throw new TypeError("the search thread answered something else");
  }

  async orders(task: SegmentTask): Promise<SegmentOrders> {
    const reply = await this.#run({ orders: task }, undefined);
    if ("orders" in reply) return reply.orders;
    throw new TypeError("the search thread answered something else");
  }

  async track(task: BlockTask): Promise<TrackStretch> {
    const reply = await this.#run({ track: task }, undefined);
    if ("track" in reply) return reply.track;
    throw new TypeError("the search thread answered something else");
  }

  async close(): Promise<void> {
    await this.#worker?.terminate();
  }

  #run(message: SearchMessage, signal: AbortSignal | undefined): Promise<SearchReply> {
    return new Promise((resolve, reject) => {
      const settle = (outcome: SearchReply | Error): void => {
        signal?.removeEventListener("abort", leave);
        if (outcome instanceof Error) reject(outcome);
        else if ("error" in outcome) reject(new Error(`cannot search a simulated market: ${outcome.error}`));
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

  /** Ends the current job. A cancelled job ignores its outcome. */
  #finish(outcome: SearchReply | Error): void {
    const job = this.#current;
    this.#current = undefined;
    job?.settle(outcome);
    this.#next();
  }

  #start(): Worker {
    const worker = startThread(new URL("./search-worker.js", import.meta.url), import.meta.url);
    worker.on("message", (reply: SearchReply) => this.#finish(reply));
    const gone = (error: Error): void => {
      if (this.#worker !== worker) return;
      this.#worker = undefined;
      this.#finish(error);
    };
    worker.on("error", gone);
    worker.on("exit", (code) => gone(new Error(`the search thread ended with code ${code}`)));
    return worker;
  }
}
