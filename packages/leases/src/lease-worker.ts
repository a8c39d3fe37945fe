import { onUsableAgain, type RedisConnection } from "@tapedeck/runtime";
import { type Job, Worker, type WorkerOptions } from "bullmq";
import type { CrashRecord } from "./crash-loop.js";
import { extendLocks, type LockToExtend, retakeLocks } from "./extend-locks.js";
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

/** After Redis was away, workers have this long to take their expired locks back before others count their jobs as stalled. */
const retakeMs = 1000;
/** Redis was away if it has not answered for this long. */
const awayMs = 500;
const stalledRetryMs = 200;

/** Until when a lock is certainly ours; in the past if it is not. Leases keep a reference, since it is read before each message. */
export interface HeldLock {
  validUntil: MonotonicMs;
  /** The lock's value in Redis. */
  readonly token: string;
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
  readonly #stopListening: () => void;
  #stalledChecksFrom: MonotonicMs = Number.NEGATIVE_INFINITY;

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
    this.#stopListening = onUsableAgain(this.#redis, () => void this.#renewAll());
    const { backend } = this;
    const moveStalled = backend.moveStalledJobsToWait.bind(backend);
    backend.moveStalledJobsToWait = async () => (this.#mayCheckStalled() ? await moveStalled() : []);
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
    return this.#locks.get(jobId) ?? { validUntil: Number.NEGATIVE_INFINITY, token: "" };
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

  async #renew(jobIds: string[], tokens: string[], duration: number): Promise<string[]> {
    const sent = performance.now();
    const held = jobIds.map((job, at) => ({ job, key: this.toKey(`${job}:lock`), token: tokens[at] ?? "" }));
    const expired = new Set(await this.#extend(held, duration));
    const wasAway = performance.now() - sent > awayMs || performance.now() < this.#stalledChecksFrom;
    if (expired.size === 0 || !wasAway) return [...expired];
    const sets = { active: this.toKey("active"), stalled: this.toKey("stalled") };
    return await retakeLocks(
      this.#redis,
      sets,
      held.filter(({ job }) => expired.has(job)),
      duration,
    );
  }

  /** A Redis that is out of memory still keeps its locks, so running work need not end. */
  async #extend(held: readonly LockToExtend[], duration: number): Promise<string[]> {
    const [jobIds, tokens] = [held.map(({ job }) => job), held.map(({ token }) => token)];
    try {
      return await super.extendJobLocks(jobIds, tokens, duration);
    } catch (error) {
      if (!(error instanceof Error && error.message.startsWith("OOM"))) throw error;
      return await extendLocks(this.#redis, this.toKey("stalled"), held, duration);
    }
  }

  /** Redis is back: renews all locks now instead of at their turn, so that running work goes on. */
  async #renewAll(): Promise<void> {
    this.#stalledChecksFrom = performance.now() + retakeMs;
    const held = [...this.#locks].filter(([id]) => this.#running.has(id));
    if (held.length === 0) return;
    const [ids, tokens] = [held.map(([id]) => id), held.map(([, { token }]) => token)];
    try {
      const lost = await this.extendJobLocks(ids, tokens, lock.durationMs);
      if (lost.length > 0) this.emit("lockRenewalFailed", lost);
    } catch (error) {
      this.emit("error", error instanceof Error ? error : new Error(String(error)));
    }
  }

  /** While Redis is away the check would wait for it, and then come before the holders of expired locks can take them back. */
  #mayCheckStalled(): boolean {
    return this.#redis.status === "ready" && performance.now() >= this.#stalledChecksFrom;
  }

  /** BullMQ would not check for expired locks for 5 s after a check that failed. */
  protected override checkConnectionError<T>(fn: () => Promise<T>): Promise<T | undefined> {
    return super.checkConnectionError(fn, stalledRetryMs);
  }

  override async close(force?: boolean): Promise<void> {
    this.#stopListening();
    await super.close(force);
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
    const held: HeldLock = { validUntil: takenAt + lock.durationMs - marginMs, token };
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
