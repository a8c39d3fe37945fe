import { setTimeout as sleep } from "node:timers/promises";
import { type Lease, LeasePool, liveWorkers, startBalance } from "@tapedeck/leases";
import { type FeedJob, type FeedQueue, feedQueueName, type LiveTapeWriter } from "@tapedeck/live";
import type { Precision } from "@tapedeck/market";
import { type FeedStatus, liveInstrument } from "@tapedeck/protocol";
import { interval, type Logger, type RedisClock, type RedisConnection } from "@tapedeck/runtime";
import type { Keys } from "@tapedeck/sessions";
import type { FeedMetrics } from "./metrics.js";
import { FrameClock } from "./recording/frame-clock.js";
import { Recorder, type RecorderOptions } from "./recording/recorder.js";
import type { Venue } from "./venues/venue.js";

export interface FeedWorkerOptions {
  readonly node: string;
  readonly keys: Pick<Keys, "bullPrefix" | "node" | "nodes">;
  readonly commands: RedisConnection;
  readonly bullmq: RedisConnection;
  readonly clock: Pick<RedisClock, "now">;
  readonly venues: Readonly<Record<string, Venue>>;
  readonly claim: (job: FeedJob, venue: Venue, precision: Precision) => Promise<LiveTapeWriter>;
  readonly maintenance: RecorderOptions["maintenance"];
  readonly queue: Pick<FeedQueue, "hasOtherJob" | "requestWorker" | "waiting">;
  readonly capacity: number;
  readonly frameMs: number;
  readonly balanceEveryMs?: number;
  readonly silenceMs: number;
  /** Called at each change of a feed's status, and with undefined when the feed has left this worker. */
  readonly status: (feed: string, status: FeedStatus | undefined) => void;
  readonly metrics: FeedMetrics;
  readonly log: Logger;
}

/** A hand-over waits at most this long for the next worker. */
const handOverMs = 5_000;
const quarantineMs = 60_000;
/** How often a full worker checks whether other feeds wait for a slot. */
const makeRoomEveryMs = 500;
/** Instruments handed over at a time to balance the load. */
const maxHandedOver = 8;

/** Takes leases on instruments and records them until it is closed. */
export class FeedWorker {
  readonly #options: FeedWorkerOptions;
  readonly #pool: LeasePool<FeedJob>;
  readonly #frames: FrameClock;
  readonly #recorders = new Map<string, Recorder>();
  readonly #stops: (() => void)[] = [];
  #makingRoom = false;
  #closing = false;

  private constructor(options: FeedWorkerOptions) {
    const { node, keys, bullmq, capacity, clock, frameMs, log } = options;
    this.#options = options;
    this.#frames = new FrameClock(frameMs, () => clock.now());
    this.#pool = new LeasePool({
      connection: bullmq,
      queues: [feedQueueName],
      prefix: keys.bullPrefix,
      node,
      capacity,
      run: (lease) => this.#record(lease),
      declines: ({ source, symbol }) => this.#recorders.get(`${source}:${symbol}`)?.handingOver ?? false,
      onCrashLoop: (job) => this.#quarantine(job),
      log,
    });
  }

  /** Resolves when it takes leases. */
  static async start(options: FeedWorkerOptions): Promise<FeedWorker> {
    const feed = new FeedWorker(options);
    await feed.#pool.start();
    feed.#stops.push(
      feed.#balance(),
      interval(() => void feed.#makeRoom(), makeRoomEveryMs),
    );
    return feed;
  }

  get leases(): number {
    return this.#recorders.size;
  }

  /** Takes no more leases. */
  stopTaking(): void {
    this.#pool.stop();
  }

  /** Hands every instrument over to another worker, and ends. */
  async close(deadlineMs: number): Promise<void> {
    this.#closing = true;
    for (const stop of this.#stops) stop();
    await this.#pool.close(deadlineMs);
    await Promise.all([...this.#recorders.values()].map((recorder) => recorder.stop()));
  }

  async #record(lease: Lease<FeedJob>): Promise<void> {
    const { log, metrics } = this.#options;
    if (await this.#isRecordedElsewhere(lease.job)) return;
    const recorder = this.#recorderOf(lease.job);
    if (recorder === undefined || recorder.hasLease) return;
    const why = await recorder.recordUnder(lease);
    metrics.leaseEnded(why);
    log.debug({ ...lease.job, why }, "lease ended");
    if (why !== "shutting down") return;
    await recorder.handOver({ deadlineMs: handOverMs, alone: !(await this.#hasOtherWorkers()) });
    await recorder.stop();
  }

  /**
   * A job of revision 0 was requested because the feed had no hash. Either the feed is new, or Redis has lost the hash: its worker notices that
   * within a second and claims the feed anew, so a second one would only cost a gap.
   */
  async #isRecordedElsewhere(job: FeedJob): Promise<boolean> {
    if (job.rev !== 0) return false;
    return await this.#options.queue.hasOtherJob(job).catch(() => false); // Redis is away
  }

  /** Whether another worker can take over. */
  async #hasOtherWorkers(): Promise<boolean> {
    const { commands, keys, node, clock } = this.#options;
    const workers = await liveWorkers(commands, keys, "feed", clock.now()).catch(() => []); // Redis is away: no worker can take over
    return workers.some((worker) => worker.node !== node);
  }

  /** Ends lingering feeds when all slots are taken and other feeds wait for one. */
  async #makeRoom(): Promise<void> {
    const { capacity, queue, log } = this.#options;
    if (this.#makingRoom || this.#recorders.size < capacity) return;
    this.#makingRoom = true;
    try {
      let waiting = await queue.waiting();
      for (const recorder of [...this.#recorders.values()]) {
        if (waiting <= 0) break;
        if (await recorder.stopIfLingering()) waiting--;
      }
    } catch (error) {
      log.debug({ err: error }, "no room made"); // Redis is away
    } finally {
      this.#makingRoom = false;
    }
  }

  /** Gives new workers their share: a worker with too many instruments hands some over, at the cost of a frame each. */
  #balance(): () => void {
    const { commands, keys, node, clock, log, balanceEveryMs = 5_000 } = this.#options;
    const feed = this;
    return startBalance({
      redis: commands,
      keys,
      node,
      role: "feed",
      leases: {
        get size() {
          return feed.leases;
        },
        limit: (target) => feed.#pool.limit(target),
        handBack: (count) => {
          const surplus = [...feed.#recorders.values()].slice(0, Math.min(count, maxHandedOver));
          return Promise.all(surplus.map((recorder) => recorder.handOver({ deadlineMs: handOverMs, alone: false })));
        },
        endSlices: () => {}, // a needless hand-over would cost a frame
      },
      now: () => clock.now(),
      everyMs: balanceEveryMs,
      log,
    });
  }

  /** After a crash loop, leaves the instrument alone for a while and publishes why. */
  async #quarantine(job: FeedJob): Promise<void> {
    const venue = this.#options.venues[job.source];
    if (venue === undefined) return;
    const writer = await this.#options.claim(job, venue, { priceDecimals: 0, sizeDecimals: 0 });
    await writer.publishStatus({
      status: "down",
      reason: "Recording this instrument crashes its worker. It is tried again in a minute.",
    });
    for (let ms = 0; ms < quarantineMs && !this.#closing; ms += 1000) {
      if ((await writer.renew()) !== "held") return;
      await sleep(1000);
    }
    await writer.release();
  }

  /** The instrument's recorder, created if there is none. Undefined for an invalid instrument. */
  #recorderOf(job: FeedJob): Recorder | undefined {
    const feed = `${job.source}:${job.symbol}`;
    const existing = this.#recorders.get(feed);
    if (existing !== undefined) return existing;
    const { venues, claim, maintenance, queue, clock, silenceMs, status, metrics, log } = this.#options;
    const venue = venues[job.source];
    const instrument = liveInstrument(job);
    if (venue === undefined || "refused" in instrument) {
      log.error({ ...job }, "unknown source or symbol: the job is dropped");
      return undefined;
    }
    const recorder = new Recorder({
      job: instrument,
      venue,
      claim: (precision) => claim(instrument, venue, precision),
      maintenance,
      queue,
      clock,
      frames: this.#frames,
      silenceMs,
      status: (now) => status(feed, now),
      metrics,
      log,
    });
    this.#recorders.set(feed, recorder);
    recorder.ended.then(() => {
      this.#recorders.delete(feed);
      status(feed, undefined);
    });
    return recorder;
  }
}
