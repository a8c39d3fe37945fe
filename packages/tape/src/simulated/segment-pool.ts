import type { Worker } from "node:worker_threads";
import type { OwnFill } from "@tapedeck/market";
import type { TapeEvent } from "../tape.js";
import type { OnBlock } from "./generate-segment.js";
import type { Assignment, FillTask, NumberedReply, SegmentReply, SegmentTask, Task } from "./segment-worker.js";
import { startWorker } from "./start-worker.js";

/** Who makes segments: a pool of threads, or the thread that asks. */
export interface SegmentGenerator {
  /**
   * Hands out the segment's blocks in order as they are made; resolves to its events when all are. While nobody waits for any of it
   * (`wanted`, which is asked again and again), those go first that somebody waits for.
   */
  generate(task: SegmentTask, take: OnBlock, wanted: () => boolean): Promise<readonly TapeEvent[]>;
  /** What the last of the user's own orders gets; undefined where that is nothing. Is made before any segment. */
  fill(task: FillTask): Promise<OwnFill | undefined>;
}

interface Job {
  readonly number: number;
  readonly task: Task;
  readonly take: OnBlock;
  /** How soon it is needed: the lowest comes first. */
  readonly rank: () => number;
  resolve(reply: SegmentReply): void;
  reject(error: Error): void;
}

interface Thread {
  readonly worker: Worker;
  /** What it has begun, by number: it is at work on the last, and those before are set aside, each for the one after it. */
  readonly jobs: Map<number, Job>;
  practising: boolean;
}

/** What is made first. An order has to be made before its frame is due, and takes a fraction of a segment's time. */
const ranks = { order: 0, wanted: 1, ahead: 2 } as const;

/** Where somebody has had to wait for so long, another thread is made ready: above what a few segments take. */
const patienceMs = 1_000;
/** Segments a thread sets aside at most: each keeps a market in memory, and the lowest waits for all above it. */
const mostSetAside = 3;

/**
 * Threads that make segments, so that nobody's frames wait while others' are generated. They keep no process alive. What was asked
 * for first is made first, and what nobody waits for, last: as soon as a segment has given what was asked of it, its thread sets it
 * aside for one that somebody waits for. A thread whose code is not compiled yet takes many times as long, so there is one to begin
 * with, and another only where one is not enough; it joins when it has practised.
 */
export class SegmentPool implements SegmentGenerator {
  readonly #size: number;
  readonly #threads = new Set<Thread>();
  readonly #waiting: Job[] = [];
  #numbers = 0;
  #growing: NodeJS.Timeout | undefined;

  constructor(size = 2) {
    this.#size = size;
  }

  /** Starts the first thread and has its code compiled, before somebody waits for it. */
  async warmUp(): Promise<void> {
    if (this.#threads.size === 0) await this.#addPractised();
  }

  async generate(task: SegmentTask, take: OnBlock, wanted: () => boolean): Promise<readonly TapeEvent[]> {
    const reply = await this.#carriedOut(task, take, () => (wanted() ? ranks.wanted : ranks.ahead));
    return "events" in reply ? reply.events : [];
  }

  async fill(task: FillTask): Promise<OwnFill | undefined> {
    const reply = await this.#carriedOut(
      task,
      () => undefined,
      () => ranks.order,
    );
    return "fill" in reply ? reply.fill : undefined;
  }

  #carriedOut(task: Task, take: OnBlock, rank: () => number): Promise<SegmentReply> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ number: this.#numbers++, task, take, rank, resolve, reject });
      // Who has a segment made says which part of it they wait for right after.
      queueMicrotask(() => this.#assign());
    });
  }

  async close(): Promise<void> {
    clearTimeout(this.#growing);
    await Promise.all([...this.#threads].map(({ worker }) => worker.terminate()));
  }

  #assign(): void {
    for (let job = this.#next; job !== undefined; job = this.#next) {
      if (this.#threads.size === 0) this.#start();
      const thread = this.#threadFor(job);
      if (thread === undefined) {
        if (this.#threads.size < this.#size) this.#growing ??= this.#growSoon();
        return;
      }
      this.#waiting.splice(this.#waiting.indexOf(job), 1);
      give(thread, job);
    }
  }

  get #next(): Job | undefined {
    const lowest = Math.min(...this.#waiting.map(({ rank }) => rank()));
    return this.#waiting.find(({ rank }) => rank() === lowest);
  }

  /** One that has nothing to do, or nothing that is needed as soon. */
  #threadFor(job: Job): Thread | undefined {
    const threads = [...this.#threads].filter(({ practising }) => !practising);
    const rank = job.rank();
    return (
      threads.find(({ jobs }) => jobs.size === 0) ??
      threads.find(({ jobs }) => jobs.size <= mostSetAside && [...jobs.values()].every((each) => each.rank() > rank))
    );
  }

  #growSoon(): NodeJS.Timeout {
    const grow = () => {
      this.#growing = undefined;
      if (this.#next === undefined || this.#threads.size >= this.#size) return;
      this.#addPractised().catch(() => {
        // Those who wait are served by the others.
      });
    };
    return setTimeout(grow, patienceMs).unref();
  }

  async #addPractised(): Promise<void> {
    const thread = this.#start();
    thread.practising = true;
    try {
      const practice = {
        number: this.#numbers++,
        task: "practise",
        take: () => undefined,
        rank: () => ranks.ahead,
      } as const;
      await new Promise((resolve, reject) => give(thread, { ...practice, resolve, reject }));
    } finally {
      thread.practising = false;
      this.#assign();
    }
  }

  #start(): Thread {
    const worker = startWorker("segment-worker");
    const jobs = new Map<number, Job>();
    const thread: Thread = { worker, jobs, practising: false };
    this.#threads.add(thread);
    worker.unref();
    worker.on("message", (reply: NumberedReply) => {
      const job = jobs.get(reply.number);
      if ("block" in reply) job?.take(reply.block);
      else {
        jobs.delete(reply.number);
        if (jobs.size === 0) worker.unref();
        if ("error" in reply) job?.reject(new Error(`a segment could not be made: ${reply.error}`));
        else job?.resolve(reply);
      }
      this.#assign();
    });
    const gone = (error: Error) => {
      this.#threads.delete(thread);
      for (const job of jobs.values()) job.reject(error);
      jobs.clear();
      this.#assign();
    };
    worker.on("error", gone);
    worker.on("exit", (code) => gone(new Error(`a thread of the simulator ended with ${code}`)));
    return thread;
  }
}

function give(thread: Thread, job: Job): void {
  const { number, task } = job;
  thread.jobs.set(number, job);
  thread.worker.ref();
  thread.worker.postMessage({ number, task } satisfies Assignment);
}
