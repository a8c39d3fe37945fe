import type { RedisConnection } from "@tapedeck/runtime";
import { type Job, Worker, type WorkerOptions } from "bullmq";
import type { CrashRecord } from "./crash-loop.js";
import { extendLocks } from "./extend-locks.js";
import type { MonotonicMs } from "./lease.js";

/** What every job of a lease may hold besides its own. */
export interface WithCrashRecord {
  /** Deaths of workers that held it, see `crash-loop.ts`. */
  readonly crashes?: CrashRecord;
}

/**
 * Time a lock lives without renewal, how often it is renewed, and how often locks of others are looked after: the work of one
 * that was killed goes on elsewhere when its locks have run out and somebody has looked. BullMQ renews each half of `renewMs`,
 * or the whole of it when it finds that not quite a half has passed. A renewal costs Redis 3 us, and this process as much.
 */
export const lock = { durationMs: 2500, renewMs: 1400, stalledCheckMs: 500 } as const;
/** Publishing stops this long before a lock can run out: a message may be that long on its way. */
const marginMs = 200;

/** Until when a job is surely ours; in the past if it is not. A lease keeps it at hand, since it is read before each message. */
export interface HeldLock {
  validUntil: MonotonicMs;
}

type Base<Data> = Worker<Data & WithCrashRecord, void, string>;
export type LeaseJob<Data> = Job<Data & WithCrashRecord, void, string>;

type Outcome<Data> = ReturnType<Base<Data>["processJob"]>;

/**
 * A BullMQ worker that begins a job when it is fetched, that knows until when its locks surely hold, and that never runs one job
 * twice at a time.
 *
 * BullMQ's own loop fetches as many jobs as it may have, one after the other, before it begins the first: of two thousand that a
 * dead worker has left, nobody would renew the locks meanwhile.
 *
 * A lock's life is counted from the moment at which its renewal was *sent*, on the monotonic clock: it cannot have begun
 * earlier, and neither a late answer nor a changed wall clock lengthens it.
 */
export class LeaseWorker<Data> extends Worker<Data & WithCrashRecord, void, string> {
  readonly #holds = new Map<string, HeldLock>();
  readonly #running = new Map<string, Promise<unknown>>();
  readonly #redis: RedisConnection;
  readonly #begun = new WeakMap<LeaseJob<Data>, Outcome<Data>>();

  /** @param processor has to be declared with three parameters, since BullMQ gives the signal only to such. */
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
      // Counts over a job's whole life, in which many workers may come and go: crash loops are counted apart.
      maxStalledCount: Number.MAX_SAFE_INTEGER,
      // Its 15 s would leave a worker idle for that long after each loss of the connection.
      runRetryDelay: 200,
      removeOnComplete: { count: 0 },
      removeOnFail: { count: 0 },
    });
    this.#redis = options.connection;
    this.on("lockRenewalFailed", (jobIds: string[]) => {
      for (const id of jobIds) {
        this.#letGo(id, this.#holds.get(id));
        this.cancelJob(id, "lost");
      }
    });
  }

  /** Jobs being worked on. */
  get runningJobs(): number {
    return this.#running.size;
  }

  /** The hold on a job that is being worked on. */
  lockOf(jobId: string): Readonly<HeldLock> {
    return this.#holds.get(jobId) ?? { validUntil: Number.NEGATIVE_INFINITY };
  }

  /**
   * Lets it hold up to `jobs`. A worker that holds as many as it may waits for one of them to end before it looks at the
   * number again, and these last for minutes: pausing and resuming is what wakes it.
   */
  async setConcurrency(jobs: number): Promise<void> {
    const asleep = this.runningJobs >= this.concurrency;
    this.concurrency = jobs;
    if (!asleep || jobs <= this.runningJobs || !this.isRunning() || this.closing) return;
    await this.pause(true);
    await this.resume();
  }

  override async extendJobLocks(jobIds: string[], tokens: string[], duration: number): Promise<string[]> {
    const sent = performance.now();
    const failed = new Set(await this.#renew(jobIds, tokens, duration));
    for (const id of jobIds) {
      const hold = this.#holds.get(id);
      if (hold !== undefined && !failed.has(id)) hold.validUntil = sent + duration - marginMs;
    }
    return [...failed];
  }

  /** A Redis that is out of memory still keeps what it has, so work that is under way need not end. */
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
    run.catch(() => {}); // BullMQ's loop looks at it when it has fetched the others
    this.#begun.set(job, run);
    return job;
  }

  override async processJob(...[job, token]: Parameters<Base<Data>["processJob"]>): Outcome<Data> {
    return this.#begun.get(job) ?? this.#run(job, token);
  }

  /**
   * A job that comes back while its first run still ends here waits for that end: the first run's clean-up would take
   * the second one's lock out of BullMQ's renewals.
   */
  async #run(job: LeaseJob<Data>, token: string): Outcome<Data> {
    const id = job.id ?? "";
    // `processedOn` is what this process's clock showed when it asked for the job: the lock cannot be older than that.
    const takenAt = performance.now() - Math.max(0, Date.now() - (job.processedOn ?? 0));
    const before = this.#running.get(id);
    if (before !== undefined) {
      this.cancelJob(id, "lost");
      await before.catch(() => {});
    }
    const hold: HeldLock = { validUntil: takenAt + lock.durationMs - marginMs };
    this.#holds.set(id, hold);
    // Its loop fetches the next one when there is room for it: the end of a lease is no reason to.
    const run = super.processJob(job, token, () => false);
    this.#running.set(id, run);
    try {
      return await run;
    } finally {
      if (this.#running.get(id) === run) this.#running.delete(id);
      this.#letGo(id, hold);
    }
  }

  #letGo(jobId: string, hold: HeldLock | undefined): void {
    if (hold === undefined) return;
    hold.validUntil = Number.NEGATIVE_INFINITY;
    if (this.#holds.get(jobId) === hold) this.#holds.delete(jobId);
  }
}
