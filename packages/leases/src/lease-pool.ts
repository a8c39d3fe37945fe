import { type Logger, type RedisConnection, throttledLog } from "@tapedeck/runtime";
import { Job, WaitingError } from "bullmq";
import { type CrashRecord, isCrashLoop, recordStall, recordSurvival } from "./crash-loop.js";
import type { Lease, LeaseLoss, MonotonicMs } from "./lease.js";
import { type HeldLock, type LeaseJob, LeaseWorker } from "./lease-worker.js";

export interface LeasePoolOptions<Data extends object> {
  /** For BullMQ: no limit of retries. Each queue adds one connection of its own for its blocking reads. */
  readonly connection: RedisConnection;
  /** Names of the queues, and the prefix of their keys. */
  readonly queues: readonly string[];
  readonly prefix: string;
  readonly node: string;
  /** Leases this worker takes at most; one more per queue may come before it stops fetching. */
  readonly capacity: number;
  /** Uses a lease; it is given back when the promise settles. */
  readonly run: (lease: Lease<Data>) => Promise<unknown>;
  /** A job that is meant for another worker, which this one just gives something to: it goes back to the queue. */
  readonly declines?: (job: Data) => boolean;
  /** A job at which worker after worker died; it is over when the promise settles. */
  readonly onCrashLoop: (job: Data) => Promise<void>;
  readonly log: Logger;
}

/** A slice's length, jittered so that leases taken together do not end together. */
const slice = { fromMs: 30_000, toMs: 60_000 } as const;

/** The leases of this worker, as BullMQ jobs. */
export class LeasePool<Data extends object> {
  readonly #options: LeasePoolOptions<Data>;
  readonly #workers: LeaseWorker<Data>[];
  readonly #leases = new Set<HeldLease<Data>>();
  #target: number;
  #draining = false;

  constructor(options: LeasePoolOptions<Data>) {
    const { queues, prefix, connection, capacity, node, log } = options;
    this.#options = options;
    this.#target = capacity;
    const report = throttledLog(log);
    this.#workers = queues.map((queue) => {
      const worker: LeaseWorker<Data> = new LeaseWorker(
        queue,
        (job, token, signal) => this.#process(worker, job, token, signal),
        { connection, prefix, concurrency: capacity, name: node },
      );
      // A lost connection fails every renewal at once, and each of them is an event.
      worker.on("error", (error) => report.warn({ err: { message: error.message }, queue }, "lease queue"));
      return worker;
    });
  }

  get size(): number {
    return this.#leases.size;
  }

  /** Begins to take leases. Resolves when every queue is connected. */
  async start(): Promise<void> {
    for (const worker of this.#workers) worker.run().catch((error: unknown) => worker.emit("error", asError(error)));
    await Promise.all(this.#workers.map((worker) => worker.waitUntilReady()));
  }

  /** Takes leases while it holds fewer than `target`; those above are not given back by this. */
  limit(target: number): void {
    this.#target = Math.min(target, this.#options.capacity);
    this.#adjust();
  }

  /** Hands so many leases back to the queues, those whose slices end soonest. Resolves when their users are done with them. */
  async handBack(count: number): Promise<void> {
    const bySlice = [...this.#leases].sort((a, b) => a.endsAt - b.endsAt).slice(0, count);
    for (const lease of bySlice) lease.recall("handed back");
    await Promise.all(bySlice.map(({ ended }) => ended));
  }

  /** Ends the slices that are over: hands back as many as `surplus`, the others get another slice. */
  endSlices(now: MonotonicMs, surplus: number): void {
    let left = surplus;
    for (const lease of this.#leases) {
      if (lease.endsAt > now) continue;
      if (left-- > 0) lease.recall("handed back");
      else lease.endsAt = now + sliceMs();
    }
  }

  /** Takes no more leases; those held go on. */
  stop(): void {
    this.#draining = true;
    // Their reads may be blocked: what they still bring is refused at the processor's entry. `close` ends them.
  }

  /** Gives all leases back and waits until they are, or until the deadline; then leaves them to run out by themselves. */
  async close(deadlineMs: number): Promise<void> {
    this.stop();
    // First the workers, so that none fetches what is given back here; each waits for its running jobs.
    const closing = Promise.all(this.#workers.map((worker) => worker.close()));
    for (const lease of this.#leases) lease.recall("shutting down");
    const late = await isLate(closing, deadlineMs);
    if (!late) return;
    this.#options.log.warn({ leases: this.size }, "queues did not close in time: leases run out by themselves");
    // `close` can hang while a connection is being made; disconnecting ends whatever it waits for.
    await isLate(Promise.all(this.#workers.map((worker) => worker.disconnect())), 500);
  }

  async #process(
    worker: LeaseWorker<Data>,
    job: LeaseJob<Data>,
    token: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const { run, onCrashLoop, log } = this.#options;
    const { id } = job;
    if (id === undefined || signal === undefined) throw new Error("BullMQ gave a job without id or signal");
    if (this.#draining || this.#options.declines?.(job.data)) {
      // A blocked read can bring back what this worker has just handed over.
      await job.moveToWait(token);
      throw new WaitingError();
    }
    const crashes = await crashesOf(worker, job);
    if (isCrashLoop(crashes)) {
      log.error({ job: job.data, ...crashes }, "worker after worker dies of this job");
      await onCrashLoop(job.data);
      return;
    }
    if (crashes !== job.data.crashes) await job.updateData({ ...job.data, crashes });
    const lease = new HeldLease<Data>(job.data, signal, worker.lockOf(id));
    this.#leases.add(lease);
    this.#adjust();
    try {
      await run(lease);
    } finally {
      this.#leases.delete(lease);
      lease.end();
      this.#adjust();
      // Whoever has the job meanwhile may have taken this worker for dead. Nobody waits for this: Redis may be away.
      if (signal.aborted) job.updateData({ ...job.data, crashes: recordSurvival(job.stalledCounter) }).catch(() => {});
    }
  }

  /** BullMQ counts per queue: each may take what it has and what is free altogether. It knows no concurrency of 0. */
  #adjust(): void {
    const free = Math.max(0, this.#target - this.#leases.size);
    for (const worker of this.#workers) void worker.setConcurrency(Math.max(1, worker.runningJobs + free));
  }
}

/**
 * What is known of deaths now that a worker takes the job. Where it has stalled again, that is read anew: whoever lost it and lives,
 * which may be this worker, may have told so only since the job was fetched.
 */
async function crashesOf<Data>(worker: LeaseWorker<Data>, job: LeaseJob<Data>): Promise<CrashRecord | undefined> {
  const { data, stalledCounter, id = "" } = job;
  if (recordStall(data.crashes, stalledCounter, 0) === data.crashes) return data.crashes;
  const newest: LeaseJob<Data> | undefined = await Job.fromId(worker, id);
  return recordStall(newest?.data.crashes, stalledCounter, Date.now());
}

class HeldLease<Data> implements Lease<Data> {
  readonly job: Data;
  readonly signal: AbortSignal;
  endsAt: MonotonicMs = performance.now() + sliceMs();
  /** Resolves when nobody uses it any more. */
  readonly ended: Promise<void>;
  end = (): void => {};
  readonly #hold: Readonly<HeldLock>;
  readonly #recall = new AbortController();

  constructor(job: Data, lock: AbortSignal, hold: Readonly<HeldLock>) {
    this.job = job;
    this.#hold = hold;
    this.ended = new Promise((resolve) => {
      this.end = resolve;
    });
    this.signal = AbortSignal.any([lock, this.#recall.signal]);
  }

  get heldUntil(): MonotonicMs {
    return this.#hold.validUntil;
  }

  recall(why: LeaseLoss): void {
    this.#recall.abort(why);
  }
}

function sliceMs(): number {
  return slice.fromMs + Math.random() * (slice.toMs - slice.fromMs);
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

async function isLate(work: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<true>((resolve) => {
    timer = setTimeout(() => resolve(true), ms);
  });
  const done = work.then(
    () => false as const,
    () => false as const,
  );
  try {
    return await Promise.race([done, late]);
  } finally {
    clearTimeout(timer);
  }
}
