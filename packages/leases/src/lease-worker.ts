import { interval, onUsableAgain, type RedisConnection } from "@tapedeck/runtime";
import { type Job, Worker, type WorkerOptions } from "bullmq";
import type { CrashRecord } from "./crash-loop.js";
import { extendLocks, type LockToExtend, retakeLocks } from "./extend-locks.js";
import type { MonotonicMs } from "./lease.js";
import { WorkerRegistry } from "./worker-registry.js";

/** What a lease's job holds besides its own data. */
export interface WithCrashRecord {
  /** Deaths of its workers, see `crash-loop.ts`. */
  readonly crashes?: CrashRecord;
}

/**
 * A worker that has not renewed its key for `aliveMs` is dead, and its jobs continue elsewhere after at most one check more. Both cost Redis
 * a command for each worker, however many jobs it has.
 */
const worker = { aliveMs: 2500, renewMs: 500, checkMs: 500 } as const;
/**
 * Locks say which worker has which job. A dead worker's are removed. One of a job whose worker does not know of it, since the reply was lost with
 * a connection, expires: so a job is taken for `takenMs` and, once it runs, held for `heldMs`, extended when `renewAtMs` are left.
 */
const lock = { takenMs: 10_000, heldMs: 120_000, renewAtMs: 60_000 } as const;
/** Jobs without a lock are looked for this often; those of dead workers are found at every check. */
const fullCheckMs = 5000;
/** Publishing stops this long before a worker can count as dead, since a message may take that long. */
const marginMs = 200;

/** After Redis was away, workers have this long to say that they are alive before others count their jobs as stalled. */
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
 * A worker holds all its jobs by one key, which it renews. The key's life counts from the moment when its renewal was *sent*, on the
 * monotonic clock: Redis cannot have started it earlier, and neither a late reply nor a change of the wall clock extends it.
 */
export class LeaseWorker<Data> extends Worker<Data & WithCrashRecord, void, string> {
  readonly #locks = new Map<string, HeldLock>();
  readonly #running = new Map<string, Promise<unknown>>();
  readonly #redis: RedisConnection;
  readonly #started = new WeakMap<LeaseJob<Data>, Outcome<Data>>();
  readonly #registry: WorkerRegistry;
  readonly #stops: (() => void)[] = [];
  #aliveUntil: MonotonicMs = Number.NEGATIVE_INFINITY;
  #renewing = false;
  #registering: Promise<void> | undefined;
  /** Full checks that are due now; the first marks jobs, and the second hands on those that are marked. */
  #fullChecks = 0;
  #fullCheckAt: MonotonicMs = Number.NEGATIVE_INFINITY;
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
      lockDuration: lock.takenMs,
      skipLockRenewal: true, // `#renewLocks` does it
      stalledInterval: worker.checkMs,
      // BullMQ counts over a job's whole life, with many workers: crash loops are counted in `crash-loop.ts`.
      maxStalledCount: Number.MAX_SAFE_INTEGER,
      // Its 15 s would leave a worker idle for that long after each loss of the connection.
      runRetryDelay: 200,
      removeOnComplete: { count: 0 },
      removeOnFail: { count: 0 },
    });
    this.#redis = options.connection;
    this.#registry = new WorkerRegistry(this.#redis, (key) => this.toKey(key));
    const { backend } = this;
    const moveStalled = backend.moveStalledJobsToWait.bind(backend);
    backend.moveStalledJobsToWait = async () => ((await this.#mayHaveStalled()) ? await moveStalled() : []);
  }

  /** Jobs that are running. */
  get runningJobs(): number {
    return this.#running.size;
  }

  /** Until when this worker certainly counts as alive, so that its locks hold. */
  get aliveUntil(): MonotonicMs {
    return this.#aliveUntil;
  }

  /** The lock of a running job. */
  lockOf(jobId: string): Readonly<HeldLock> {
    return this.#locks.get(jobId) ?? { validUntil: Number.NEGATIVE_INFINITY, token: "" };
  }

  /** Takes jobs once it has said that it is alive. */
  override async run(): Promise<void> {
    this.#stops.push(
      interval(() => void this.#renewKey(), worker.renewMs),
      onUsableAgain(this.#redis, () => void this.#redisIsBack()),
    );
    await this.#renewKey();
    await super.run();
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

  /** Extends locks, and takes back those that have expired while Redis was away. Returns the jobs whose locks are lost. */
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
      return await this.extendJobLocks(jobIds, tokens, duration);
    } catch (error) {
      if (!(error instanceof Error && error.message.startsWith("OOM"))) throw error;
      return await extendLocks(this.#redis, this.toKey("stalled"), held, duration);
    }
  }

  /** Renews its key; once more if the reply was late, since a key's life counts from when the renewal was sent. */
  async #renewKey(): Promise<void> {
    if (this.#renewing) return;
    this.#renewing = true;
    try {
      let sent: MonotonicMs;
      do {
        sent = performance.now();
        if (await this.#registry.renew(this.id, worker.aliveMs)) this.#aliveUntil = sent + worker.aliveMs - marginMs;
        else await this.#register();
        await this.#renewLocks(lock.renewAtMs);
      } while (performance.now() - sent > worker.renewMs);
    } catch (error) {
      this.emit("error", asError(error));
    } finally {
      this.#renewing = false;
    }
  }

  /** Says that this worker is alive, and takes back those of its jobs that no other worker has got meanwhile. */
  async #register(): Promise<void> {
    this.#registering ??= this.#takeBack().finally(() => {
      this.#registering = undefined;
    });
    await this.#registering;
  }

  async #takeBack(): Promise<void> {
    this.#aliveUntil = Number.NEGATIVE_INFINITY;
    const sent = performance.now();
    await this.#registry.register(this.id, worker.aliveMs);
    await this.#renewLocks(Number.POSITIVE_INFINITY);
    this.#aliveUntil = sent + worker.aliveMs - marginMs;
  }

  /**
   * Extends the locks of running jobs that expire within `ms`, and gives up those that are lost. A job may have been lost, handed on and taken
   * again by this worker while Redis replied: the reply says nothing about its new lock.
   */
  async #renewLocks(ms: number): Promise<void> {
    const sent = performance.now();
    const due = [...this.#locks].filter(([id, { validUntil }]) => this.#running.has(id) && validUntil < sent + ms);
    if (due.length === 0) return;
    const [ids, tokens] = [due.map(([id]) => id), due.map(([, { token }]) => token)];
    const lost = new Set(await this.#renew(ids, tokens, lock.heldMs));
    if (lost.size > 0) this.#fullChecks = 2;
    for (const [id, held] of due) {
      if (this.#locks.get(id) !== held) continue;
      if (!lost.has(id)) held.validUntil = sent + lock.heldMs - marginMs;
      else {
        this.#invalidate(id, held);
        this.cancelJob(id, "lost");
      }
    }
  }

  async #redisIsBack(): Promise<void> {
    this.#stalledChecksFrom = performance.now() + retakeMs;
    await this.#register().catch((error: unknown) => this.emit("error", asError(error)));
  }

  /** Releases the jobs of dead workers. Whether BullMQ has anything to do: it reads all running jobs, so it does not look every time. */
  async #mayHaveStalled(): Promise<boolean> {
    if (!this.#mayJudge()) return false;
    const dead = await this.#registry.dead();
    // While Redis was away, the answer waited for it, and no worker could renew its key.
    if (!this.#mayJudge()) return false;
    let released = 0;
    for (const each of dead) if (each !== this.id) released += await this.#registry.release(each);
    const now = performance.now();
    if (released === 0 && this.#fullChecks === 0 && now < this.#fullCheckAt) return false;
    this.#fullChecks = Math.max(0, this.#fullChecks - 1);
    this.#fullCheckAt = now + fullCheckMs;
    return true;
  }

  #mayJudge(): boolean {
    return this.#redis.status === "ready" && performance.now() >= this.#stalledChecksFrom;
  }

  /** BullMQ would not check for expired locks for 5 s after a check that failed. */
  protected override checkConnectionError<T>(fn: () => Promise<T>): Promise<T | undefined> {
    return super.checkConnectionError(fn, stalledRetryMs);
  }

  override async close(force?: boolean): Promise<void> {
    await super.close(force);
    for (const stop of this.#stops.splice(0)) stop();
    await this.#registry.remove(this.id).catch(() => {}); // then its key expires
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
    const held: HeldLock = { validUntil: takenAt + lock.takenMs - marginMs, token };
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

export function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
