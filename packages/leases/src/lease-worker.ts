import type { RedisConnection } from "@tapedeck/runtime";
import { type Job, Worker, type WorkerOptions } from "bullmq";
import type { CrashRecord } from "./crash-loop.js";
import { extendLocks } from "./extend-locks.js";
import type { MonotonicMs } from "./lease.js";

/** What a lease's job holds besides its own data. */
export interface WithCrashRecord {
  /** Deaths of its workers, see `crash-loop.ts`. */
  readonly crashes?: CrashRecord;
}

/**
 * How long a lock lives without renewal, how often it is renewed, and how often workers check for expired locks of others: the
 * jobs of a killed worker continue elsewhere after the sum of the first and the last. BullMQ renews every half of `renewMs`, or
 * the whole if slightly less than a half has passed. A renewal costs Redis 3 us, and this process as much.
 */
export const lock = { durationMs: 2500, renewMs: 1400, stalledCheckMs: 500 } as const;
/** Publishing stops this long before a lock can expire, since a message may take that long. */
const marginMs = 200;

/** Until when a lock is certainly ours; in the past if it is not. Leases keep a reference, since it is read before each message. */
export interface HeldLock {
  validUntil: MonotonicMs;
}

type Base<Data> = Worker<Data & WithCrashRecord, void, string>;
export type LeaseJob<Data> = Job<Data & WithCrashRecord, void, string>;

type Outcome<Data> = ReturnType<Base<Data>["processJob"]>;

/**
 * A BullMQ worker that starts each job when it is fetched, knows until when its locks are valid, and never runs a job twice at
 * the same time.
 *
 * BullMQ's own loop fetches all jobs that it may have, one after the other, before it starts the first. If a dead worker has left
 * two thousand, their locks would expire meanwhile.
 *
 * A lock's life counts from the moment when its renewal was *sent*, on the monotonic clock: Redis cannot have started it earlier,
 * and neither a late reply nor a change of the wall clock extends it.
 */
export class LeaseWorker<Data> extends Worker<Data & WithCrashRecord, void, string> {
  readonly #locks = new Map<string, HeldLock>();
  readonly #running = new Map<string, Promise<unknown>>();
  readonly #redis: RedisConnection;
  readonly #started = new WeakMap<LeaseJob<Data>, Outcome<Data>>();

  /** @param processor must be declared with three parameters: only then does BullMQ pass the signal. */
  constructor(
    name: string,
    processor: (job: LeaseJob<Data>, token: string | undefined, signal: AbortSignal | undefined) => Promise<void>,
    options: Pick<WorkerOptions, "prefix" | "concurrency" | "name"> & { readonly connection: RedisConnection },
  ) {
    super(name, processor, {
      ...options,
      autorun: false,
      lockDuration: lock.durationMs,
      lockRenewTime: lock.renewMs,
      stalledInterval: lock.stalledCheckMs,
      // BullMQ counts over a job's whole life, with many workers: crash loops are counted in `crash-loop.ts`.
      maxStalledCount: Number.MAX_SAFE_INTEGER,
      // Its 15 s would leave a worker idle for that long after each loss of the connection.
      runRetryDelay: 200,
      removeOnComplete: { count: 0 },
      removeOnFail: { count: 0 },
    });
    this.#redis = options.connection;
    this.on("lockRenewalFailed", (jobIds: string[]) => {
      for (const id of jobIds) {
        this.#invalidate(id, this.#locks.get(id));
        this.cancelJob(id, "lost");
      }
    });
  }

  /** Jobs that are running. */
  get runningJobs(): number {
    return this.#running.size;
  }

  /** The lock of a running job. */
  lockOf(jobId: string): Readonly<HeldLock> {
    return this.#locks.get(jobId) ?? { validUntil: Number.NEGATIVE_INFINITY };
  }

  /**
   * Lets it run up to `jobs`. A BullMQ worker at its limit waits for a job to end before it reads the limit again, and these
   * jobs last for minutes: pausing and resuming wakes it.
   */
  async setConcurrency(jobs: number): Promise<void> {
    const atLimit = this.runningJobs >= this.concurrency;
    this.concurrency = jobs;
    if (!atLimit || jobs <= this.runningJobs || !this.isRunning() || this.closing) return;
    await this.pause(true);
    await this.resume();
  }

  override async extendJobLocks(jobIds: string[], tokens: string[], duration: number): Promise<string[]> {
    const sent = performance.now();
    const failed = new Set(await this.#renew(jobIds, tokens, duration));
    for (const id of jobIds) {
      const held = this.#locks.get(id);
      if (held !== undefined && !failed.has(id)) held.validUntil = sent + duration - marginMs;
    }
    return [...failed];
  }

  /** A Redis that is out of memory still keeps its locks, so running work need not end. */
  async #renew(jobIds: string[], tokens: string[], duration: number): Promise<string[]> {
    try {
      return await super.extendJobLocks(jobIds, tokens, duration);
    } catch (error) {
      if (!(error instanceof Error && error.message.startsWith("OOM"))) throw error;
      const held = jobIds.map((job, at) => ({ job, key: this.toKey(`${job}:lock`), token: tokens[at] ?? "" }));
      return await extendLocks(this.#redis, this.toKey("stalled"), held, duration);
    }
  }

  protected override async nextJobFromJobData(
    ...fetched: Parameters<Base<Data>["nextJobFromJobData"]>
  ): ReturnType<Base<Data>["nextJobFromJobData"]> {
    const job = await super.nextJobFromJobData(...fetched);
    if (job?.token === undefined) return job;
    const run = this.#run(job, job.token);
    run.catch(() => {}); // BullMQ's loop handles it when it has fetched the others
    this.#started.set(job, run);
    return job;
  }

  override async processJob(...[job, token]: Parameters<Base<Data>["processJob"]>): Outcome<Data> {
    return this.#started.get(job) ?? this.#run(job, token);
  }

  /**
   * A job that comes back while its previous run is still ending waits for that: the clean-up of the previous run would remove
   * the lock of the new one from BullMQ's renewals.
   */
  async #run(job: LeaseJob<Data>, token: string): Outcome<Data> {
    const id = job.id ?? "";
    // `processedOn` is this process's clock when it requested the job: the lock cannot be older.
    const takenAt = performance.now() - Math.max(0, Date.now() - (job.processedOn ?? 0));
    const before = this.#running.get(id);
    if (before !== undefined) {
      this.cancelJob(id, "lost");
      await before.catch(() => {});
    }
    const held: HeldLock = { validUntil: takenAt + lock.durationMs - marginMs };
    this.#locks.set(id, held);
    // `false`: do not fetch the next job here; the loop does that when there is room.
    const run = super.processJob(job, token, () => false);
    this.#running.set(id, run);
    try {
      return await run;
    } finally {
      if (this.#running.get(id) === run) this.#running.delete(id);
      this.#invalidate(id, held);
    }
  }

  #invalidate(jobId: string, held: HeldLock | undefined): void {
    if (held === undefined) return;
    held.validUntil = Number.NEGATIVE_INFINITY;
    if (this.#locks.get(jobId) === held) this.#locks.delete(jobId);
  }
}
