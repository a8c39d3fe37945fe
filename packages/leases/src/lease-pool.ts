import { type Logger, type RedisConnection, throttledLog } from "@tapedeck/runtime";
import { Job, WaitingError } from "bullmq";
import { type CrashRecord, isCrashLoop, recordStall, recordSurvival } from "./crash-loop.js";
import type { Lease, LeaseLoss, MonotonicMs } from "./lease.js";
import { asError, type HeldLock, type LeaseJob, LeaseWorker } from "./lease-worker.js";

export interface LeasePoolOptions<Data extends object> {
  /** For BullMQ: no limit of retries. Each queue adds one connection of its own for its blocking reads. */
  readonly connection: RedisConnection;
  /** Names of the queues, with the prefix of their keys below. */
  readonly queues: readonly string[];
  readonly prefix: string;
  readonly node: string;
  /** The most leases that this worker takes; one more per queue may arrive before it stops fetching. */
  readonly capacity: number;
  /** Works on a lease; it is released when the promise settles. */
  readonly run: (lease: Lease<Data>) => Promise<unknown>;
  /** Whether to return a job to the queue, for another worker to take. */
  readonly declines?: (job: Data) => boolean;
  /** Handles a job whose workers crash again and again; the job ends when the promise settles. */
  readonly onCrashLoop: (job: Data) => Promise<void>;
  readonly log: Logger;
}

/** A slice's length, jittered so that leases taken together do not end together. */
const slice = { fromMs: 30_000, toMs: 60_000 } as const;

/** The leases of this worker, taken as BullMQ jobs. */
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
      // Without connection every renewal fails at once, and each failure is an event.
      worker.on("error", (error) => report.warn({ err: { message: error.message }, queue }, "lease queue error"));
      return worker;
    });
  }

  get size(): number {
    return this.#leases.size;
  }

  /** Starts to take leases. Resolves when every queue is connected. */
  async start(): Promise<void> {
    for (const worker of this.#workers) worker.run().catch((error: unknown) => worker.emit("error", asError(error)));
    await Promise.all(this.#workers.map((worker) => worker.waitUntilReady()));
  }

  /** Takes leases while it holds fewer than `target`; does not hand back those above it. */
  limit(target: number): void {
    this.#target = Math.min(target, this.#options.capacity);
    this.#adjust();
  }

  /** Hands leases back to the queues, those whose slices end soonest. Resolves when work on them has ended. */
  async handBack(count: number): Promise<void> {
    const bySlice = [...this.#leases].sort((a, b) => a.endsAt - b.endsAt).slice(0, count);
    for (const lease of bySlice) lease.abort("handed back");
    await Promise.all(bySlice.map(({ ended }) => ended));
  }

  /** Ends the slices that are due: hands back at most `surplus` leases, and gives the others another slice. */
  endSlices(now: MonotonicMs, surplus: number): void {
    let left = surplus;
    for (const lease of this.#leases) {
      if (lease.endsAt > now) continue;
      if (left-- > 0) lease.abort("handed back");
      else lease.endsAt = now + sliceMs();
    }
  }

  /** Stops taking leases; keeps those it has. */
  stop(): void {
    this.#draining = true;
    // A blocked read may still fetch a job: `#process` refuses it. `close` ends the reads.
  }

  /** Hands all leases back and waits for that until the deadline; after it, their locks expire by themselves. */
  async close(deadlineMs: number): Promise<void> {
    this.stop();
    // The workers close first, so that none fetches what is handed back here; each waits for its running jobs.
    const closing = Promise.all(this.#workers.map((worker) => worker.close()));
    for (const lease of this.#leases) lease.abort("shutting down");
    const late = await isLate(closing, deadlineMs);
    if (!late) return;
    this.#options.log.warn({ leases: this.size }, "queues did not close in time: locks of leases expire by themselves");
    // `close` can hang while a connection is being opened; disconnecting ends it.
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
      // A blocked read can fetch what this worker has just handed back.
      await job.moveToWait(token);
      throw new WaitingError();
    }
    const crashes = await crashesOf(worker, job);
    if (isCrashLoop(crashes)) {
      log.error({ job: job.data, ...crashes }, "crash loop detected: the job is not taken");
      await onCrashLoop(job.data);
      return;
    }
    if (crashes !== job.data.crashes) await job.updateData({ ...job.data, crashes });
    const lease = new HeldLease<Data>(job.data, signal, worker.lockOf(id), worker);
    this.#leases.add(lease);
    this.#adjust();
    try {
      await run(lease);
    } finally {
      this.#leases.delete(lease);
      lease.end();
      this.#adjust();
      // The next worker may count this one as dead. Not awaited: Redis may be away.
      if (signal.aborted) job.updateData({ ...job.data, crashes: recordSurvival(job.stalledCounter) }).catch(() => {});
    }
  }

  /** BullMQ counts per queue: each may take what it has plus the free capacity of all. A concurrency of 0 is not possible. */
  #adjust(): void {
    const free = Math.max(0, this.#target - this.#leases.size);
    for (const worker of this.#workers) void worker.setConcurrency(Math.max(1, worker.runningJobs + free));
  }
}

/**
 * The crash record for a worker that takes the job. If the job has stalled again, the record is read anew: the worker that lost it
 * (possibly this one) may have recorded its survival after the job was fetched.
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
  /** Resolves when work on it has ended. */
  readonly ended: Promise<void>;
  end = (): void => {};
  readonly #lock: Readonly<HeldLock>;
  readonly #worker: { readonly aliveUntil: MonotonicMs };
  readonly #aborted = new AbortController();

  constructor(job: Data, lost: AbortSignal, lock: Readonly<HeldLock>, worker: { readonly aliveUntil: MonotonicMs }) {
    this.job = job;
    this.#lock = lock;
    this.#worker = worker;
    this.ended = new Promise((resolve) => {
      this.end = resolve;
    });
    this.signal = AbortSignal.any([lost, this.#aborted.signal]);
  }

  get heldUntil(): MonotonicMs {
    return Math.min(this.#lock.validUntil, this.#worker.aliveUntil);
  }

  abort(why: LeaseLoss): void {
    this.#aborted.abort(why);
  }
}

function sliceMs(): number {
  return slice.fromMs + Math.random() * (slice.toMs - slice.fromMs);
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
