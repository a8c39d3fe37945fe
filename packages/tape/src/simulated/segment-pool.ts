import { Worker } from "node:worker_threads";
import type { OwnFill } from "@tapedeck/market";
import type { TapeEvent } from "../tape.js";
import type { TakeBlock } from "./segment-frames.js";
import type { FillTask, SegmentReply, SegmentTask } from "./segment-worker.js";
import type { SimulatedName } from "./simulated-name.js";

/** Who makes segments: a pool of threads, or the thread that asks. */
export interface SegmentMaker {
  /**
   * Hands out the segment's blocks in order as they are made; resolves to its events when all are. One that is made `ahead` of its
   * time lets those go first that somebody waits for.
   */
  make(task: SegmentTask, take: TakeBlock, ahead?: boolean): Promise<readonly TapeEvent[]>;
  /** What the last of the user's own orders gets; undefined where that is nothing. */
  fill(task: FillTask): Promise<OwnFill | undefined>;
}

interface Job {
  readonly task: SegmentTask | FillTask;
  readonly take: TakeBlock;
  resolve(reply: SegmentReply): void;
  reject(error: Error): void;
}

interface Thread {
  readonly worker: Worker;
  /** What it is at work on; undefined while it waits. */
  job: Job | undefined;
  practising: boolean;
}

/** Segments that a new thread makes for practice. Later ones are hardly quicker (docs/decisions/0024). */
const practices = 3;
/** Where somebody has had to wait for so long, another thread is made ready: above what a few segments take. */
const patienceMs = 1_000;

/**
 * Threads that make segments, so that nobody's frames wait while others' are generated. They keep no process alive. What was asked
 * for first is made first, and what nobody waits for yet, last. A thread whose code is not compiled yet takes many times as long,
 * so there is one to begin with, and another only where one is not enough; it joins when it has practised.
 */
export class SegmentPool implements SegmentMaker {
  readonly #size: number;
  readonly #threads = new Set<Thread>();
  readonly #waiting: Job[] = [];
  /** Jobs whose time has not come yet: they are begun when no other waits. */
  readonly #ahead: Job[] = [];
  #growing: NodeJS.Timeout | undefined;

  constructor(size = 2) {
    this.#size = size;
  }

  /** Starts the first thread and has its code compiled, before somebody waits for it. */
  async warmUp(name: SimulatedName): Promise<void> {
    if (this.#threads.size === 0) await this.#addPractised(name);
  }

  async make(task: SegmentTask, take: TakeBlock, ahead = false): Promise<readonly TapeEvent[]> {
    const reply = await this.#carriedOut(task, take, ahead ? this.#ahead : this.#waiting);
    return "events" in reply ? reply.events : [];
  }

  async fill(task: FillTask): Promise<OwnFill | undefined> {
    const reply = await this.#carriedOut(task, () => undefined, this.#waiting);
    return "fill" in reply ? reply.fill : undefined;
  }

  #carriedOut(task: SegmentTask | FillTask, take: TakeBlock, queue: Job[]): Promise<SegmentReply> {
    return new Promise((resolve, reject) => {
      queue.push({ task, take, resolve, reject });
      this.#assign();
    });
  }

  async close(): Promise<void> {
    clearTimeout(this.#growing);
    await Promise.all([...this.#threads].map(({ worker }) => worker.terminate()));
  }

  #assign(): void {
    if (this.#threads.size === 0 && this.#next !== undefined) this.#start();
    for (const thread of this.#threads) {
      if (thread.job !== undefined || thread.practising) continue;
      const job = this.#waiting.shift() ?? this.#ahead.shift();
      if (job === undefined) return;
      give(thread, job);
    }
    if (this.#next !== undefined && this.#threads.size < this.#size) this.#growing ??= this.#growSoon();
  }

  get #next(): Job | undefined {
    return this.#waiting[0] ?? this.#ahead[0];
  }

  #growSoon(): NodeJS.Timeout {
    const grow = () => {
      this.#growing = undefined;
      const job = this.#next;
      if (job === undefined || this.#threads.size >= this.#size) return;
      this.#addPractised(job.task.name).catch(() => {
        // Those who wait are served by the others.
      });
    };
    return setTimeout(grow, patienceMs).unref();
  }

  async #addPractised(name: SimulatedName): Promise<void> {
    const thread = this.#start();
    thread.practising = true;
    try {
      for (let segment = 1; segment <= practices; segment++) {
        const task = { name, segment };
        await new Promise((resolve, reject) => give(thread, { task, take: () => undefined, resolve, reject }));
      }
    } finally {
      thread.practising = false;
      this.#assign();
    }
  }

  #start(): Thread {
    const worker = startWorker();
    const thread: Thread = { worker, job: undefined, practising: false };
    this.#threads.add(thread);
    worker.unref();
    worker.on("message", (reply: SegmentReply) => {
      const { job } = thread;
      if ("block" in reply) {
        job?.take(reply.block);
        return;
      }
      thread.job = undefined;
      worker.unref();
      if ("error" in reply) job?.reject(new Error(`a segment could not be made: ${reply.error}`));
      else job?.resolve(reply);
      this.#assign();
    });
    const gone = (error: Error) => {
      this.#threads.delete(thread);
      thread.job?.reject(error);
      thread.job = undefined;
      this.#assign();
    };
    worker.on("error", gone);
    worker.on("exit", (code) => gone(new Error(`a thread of the simulator ended with ${code}`)));
    return thread;
  }
}

function give(thread: Thread, job: Job): void {
  thread.job = job;
  thread.worker.ref();
  thread.worker.postMessage(job.task);
}

/** Built code runs as it is; sources run through the loader that the tests' other processes have. */
function startWorker(): Worker {
  if (!import.meta.url.endsWith(".ts")) return new Worker(new URL("./segment-worker.js", import.meta.url));
  const source = JSON.stringify(new URL("./segment-worker.ts", import.meta.url).href);
  // Registered by hand, since Node 20 does not carry a loader named by --import over into a thread.
  const start = `import("tsx/esm/api").then(({ register }) => register()).then(() => import(${source}));`;
  return new Worker(start, { eval: true, execArgv: ["--conditions=tapedeck-source"] });
}
