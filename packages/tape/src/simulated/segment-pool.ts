import type { Worker } from "node:worker_threads";
import type { OwnFill } from "@tapedeck/market";
import { LRUCache } from "lru-cache";
import type { TapeEvent } from "../tape.js";
import { startThread } from "../threads/start-thread.js";
import type { OnBlock } from "./generate-segment.js";
import type { BlockTask } from "./running/checkpoints.js";
import type { Assignment, FillTask, NumberedReply, SegmentReply, SegmentTask, Task } from "./segment-worker.js";

/** Generates segments: in a pool of threads, or in the calling thread. */
export interface SegmentGenerator {
  /**
   * Passes on the segment's blocks in order as they are generated, or the one block, and resolves to their events at the end. While no reader waits for it
   * (`wanted`, which is called again and again), segments with waiting readers go first.
   */
  generate(task: SegmentTask | BlockTask, take: OnBlock, wanted: () => boolean): Promise<readonly TapeEvent[]>;
  /** The fill of the last of the user's own orders; undefined if it gets nothing. Goes before any segment. */
  fill(task: FillTask): Promise<OwnFill | undefined>;
}

interface Job {
  readonly number: number;
  readonly task: Task;
  /** On the monotonic clock. */
  readonly sinceMs: number;
  readonly take: OnBlock;
  /** Priority: the lowest goes first. */
  readonly rank: () => number;
  resolve(reply: SegmentReply): void;
  reject(error: Error): void;
}

interface Thread {
  readonly worker: Worker;
  /** Started jobs by number. It works on the last one; the earlier ones are suspended, each for the one after it. */
  readonly jobs: Map<number, Job>;
  warmingUp: boolean;
}

/** An order goes first: it must be filled before its frame is due, and takes a fraction of a segment's time. */
const ranks = { order: 0, wanted: 1, ahead: 2 } as const;

/** If a job has waited for so long, more than a few segments take, another thread is started. */
const growAfterMs = 1_000;
/** After waiting so long for the thread that has the session's market, a block is made from the minute's beginning by another one. */
const strayAfterMs = 250;
/** Sessions with orders whose thread is known. */
const knownSessions = 1_000;
/** Segments that a thread suspends at most: each keeps a market in memory, and the lowest waits for all above it. */
const maxSuspended = 3;

/**
 * Threads that generate segments, so that the event loop keeps sending frames meanwhile. They do not keep the process alive. Jobs run in
 * the order of requests, but those without a waiting reader run last: once a segment has delivered its requested blocks, its thread
 * suspends it for one that a reader waits for. A thread whose code is not compiled yet takes many times as long, so the pool starts with
 * one, and adds another only if one is not enough; that one joins when it is warm. Blocks of a session with orders go to the thread that made the last
 * one, which has checkpoints of its market.
 */
export class SegmentPool implements SegmentGenerator {
  readonly #size: number;
  readonly #threads = new Set<Thread>();
  readonly #waiting: Job[] = [];
  readonly #threadOfSession = new LRUCache<string, Thread>({ max: knownSessions });
  #numbers = 0;
  #growing: NodeJS.Timeout | undefined;

  constructor(size = 2) {
    this.#size = size;
  }

  /** Starts the first thread and has its code compiled, before the first request. */
  async warmUp(): Promise<void> {
    if (this.#threads.size === 0) await this.#addWarm();
  }

  async generate(task: SegmentTask | BlockTask, take: OnBlock, wanted: () => boolean): Promise<readonly TapeEvent[]> {
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
      const sinceMs = performance.now();
      this.#waiting.push({ number: this.#numbers++, task, sinceMs, take, rank, resolve, reject });
      // A caller requests its block right after this.
      queueMicrotask(() => this.#assign());
    });
  }

  async close(): Promise<void> {
    clearTimeout(this.#growing);
    await Promise.all([...this.#threads].map(({ worker }) => worker.terminate()));
  }

  #assign(): void {
    for (const job of [...this.#waiting].sort((one, other) => one.rank() - other.rank())) {
      if (this.#threads.size === 0) this.#start();
      const thread = this.#threadFor(job);
      if (thread === undefined) {
        if (this.#threads.size < this.#size) this.#growing ??= this.#growSoon();
        continue;
      }
      this.#waiting.splice(this.#waiting.indexOf(job), 1);
      const session = sessionOf(job);
      if (session !== undefined) this.#threadOfSession.set(session, thread);
      give(thread, job);
    }
  }

  /** A thread that is idle, or has only jobs of lower priority. */
  #threadFor(job: Job): Thread | undefined {
    const home = this.#homeOf(job);
    const threads = [...this.#threads].filter((thread) => !thread.warmingUp && (home ?? thread) === thread);
    const rank = job.rank();
    return (
      threads.find(({ jobs }) => jobs.size === 0) ??
      threads.find(({ jobs }) => jobs.size <= maxSuspended && [...jobs.values()].every((each) => each.rank() > rank))
    );
  }

  /** The thread with the market of the job's session, unless that has no time for too long. */
  #homeOf(job: Job): Thread | undefined {
    const session = sessionOf(job);
    if (session === undefined || performance.now() - job.sinceMs > strayAfterMs) return undefined;
    const home = this.#threadOfSession.get(session);
    return home !== undefined && this.#threads.has(home) ? home : undefined;
  }

  #growSoon(): NodeJS.Timeout {
    const grow = () => {
      this.#growing = undefined;
      if (this.#waiting.length === 0 || this.#threads.size >= this.#size) return;
      this.#addWarm().catch(() => {
        // The other threads serve the waiting jobs.
      });
    };
    return setTimeout(grow, growAfterMs).unref();
  }

  async #addWarm(): Promise<void> {
    const thread = this.#start();
    thread.warmingUp = true;
    try {
      const practice = {
        number: this.#numbers++,
        task: "practise",
        sinceMs: performance.now(),
        take: () => undefined,
        rank: () => ranks.ahead,
      } as const;
      await new Promise((resolve, reject) => give(thread, { ...practice, resolve, reject }));
    } finally {
      thread.warmingUp = false;
      this.#assign();
    }
  }

  #start(): Thread {
    const worker = startThread(new URL("./segment-worker.js", import.meta.url), import.meta.url);
    const jobs = new Map<number, Job>();
    const thread: Thread = { worker, jobs, warmingUp: false };
    this.#threads.add(thread);
    worker.unref();
    worker.on("message", (reply: NumberedReply) => {
      const job = jobs.get(reply.number);
      if ("block" in reply) job?.take(reply.block);
      else {
        jobs.delete(reply.number);
        if (jobs.size === 0) worker.unref();
        if ("error" in reply) job?.reject(new Error(`cannot generate a segment: ${reply.error}`));
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
    worker.on("exit", (code) => gone(new Error(`a simulator thread ended with code ${code}`)));
    return thread;
  }
}

/** The session whose orders the market of a block sees. */
function sessionOf({ task }: Job): string | undefined {
  return typeof task === "object" && "block" in task ? task.name.fork?.session : undefined;
}

function give(thread: Thread, job: Job): void {
  const { number, task } = job;
  thread.jobs.set(number, job);
  thread.worker.ref();
  thread.worker.postMessage({ number, task } satisfies Assignment);
}
