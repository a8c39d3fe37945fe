import { Worker } from "node:worker_threads";
import type { OwnFill } from "@tapedeck/market";
import type { TapeEvent } from "../tape.js";
import type { TakeBlock } from "./segment-frames.js";
import type { FillTask, SegmentReply, SegmentTask } from "./segment-worker.js";

/** Who makes segments: a pool of threads, or the thread that asks. */
export interface SegmentMaker {
  /** Hands out the segment's blocks in order as they are made; resolves to its events when all are. */
  make(task: SegmentTask, take: TakeBlock): Promise<readonly TapeEvent[]>;
  /** What the last of the user's own orders gets; undefined where that is nothing. */
  fill(task: FillTask): Promise<OwnFill | undefined>;
}

interface Job {
  readonly task: SegmentTask | FillTask;
  readonly take: TakeBlock;
  resolve(reply: SegmentReply): void;
  reject(error: Error): void;
}

/** What a thread is at work on; undefined while it waits. */
interface Thread {
  readonly worker: Worker;
  job: Job | undefined;
}

/**
 * Threads that make segments, so that nobody's frames wait while others' are generated. They start when they are first needed
 * and keep no process alive. What was asked for first is made first.
 */
export class SegmentPool implements SegmentMaker {
  readonly #size: number;
  readonly #threads = new Set<Thread>();
  readonly #waiting: Job[] = [];
  #practised = false;

  constructor(size = 2) {
    this.#size = size;
  }

  /**
   * Starts the threads that are still to be started and has each make a segment for practice, so that its code is compiled when
   * somebody waits for one: the first takes a thread four times as long as those after it.
   */
  async warmUp(practice: SegmentTask): Promise<void> {
    const cold = this.#size - this.#threads.size;
    await Promise.all(Array.from({ length: cold }, () => this.make(practice, () => undefined)));
  }

  async make(task: SegmentTask, take: TakeBlock): Promise<readonly TapeEvent[]> {
    const reply = await this.#carriedOut(task, take);
    this.#warmUpOthers(task);
    return "events" in reply ? reply.events : [];
  }

  async fill(task: FillTask): Promise<OwnFill | undefined> {
    const reply = await this.#carriedOut(task, () => undefined);
    return "fill" in reply ? reply.fill : undefined;
  }

  #carriedOut(task: SegmentTask | FillTask, take: TakeBlock): Promise<SegmentReply> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ task, take, resolve, reject });
      this.#assign();
    });
  }

  async close(): Promise<void> {
    await Promise.all([...this.#threads].map(({ worker }) => worker.terminate()));
  }

  #assign(): void {
    while (this.#waiting.length > 0) {
      const idle = [...this.#threads].find(({ job }) => job === undefined);
      const thread = idle ?? (this.#threads.size < this.#size ? this.#start() : undefined);
      if (thread === undefined) return;
      thread.job = this.#waiting.shift();
      thread.worker.ref();
      thread.worker.postMessage(thread.job?.task);
    }
  }

  /** Once somebody simulates here, the other threads will be needed soon. */
  #warmUpOthers(task: SegmentTask): void {
    if (this.#practised) return;
    this.#practised = true;
    this.warmUp(task).catch(() => {
      // Practice alone: whoever needs a segment starts a thread again.
    });
  }

  #start(): Thread {
    const worker = startWorker();
    const thread: Thread = { worker, job: undefined };
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

/** Built code runs as it is; sources run through the loader that the tests' other processes have. */
function startWorker(): Worker {
  if (!import.meta.url.endsWith(".ts")) return new Worker(new URL("./segment-worker.js", import.meta.url));
  const source = JSON.stringify(new URL("./segment-worker.ts", import.meta.url).href);
  // Registered by hand, since Node 20 does not carry a loader named by --import over into a thread.
  const start = `import("tsx/esm/api").then(({ register }) => register()).then(() => import(${source}));`;
  return new Worker(start, { eval: true, execArgv: ["--conditions=tapedeck-source"] });
}
