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
  readonly queue: Pick<FeedQueue, "requestWorker" | "waiting">;
  readonly capacity: number;
  readonly frameMs: number;
  readonly balanceEveryMs?: number;
  readonly silenceMs: number;
  /** Told when the feed of an instrument changes, and with undefined when it is no longer here. */
  readonly status: (feed: string, status: FeedStatus | undefined) => void;
  readonly metrics: FeedMetrics;
  readonly log: Logger;
}

/** A hand-over waits no longer than this for the next feed. */
const handOverMs = 5_000;
const quarantineMs = 60_000;
/** How often a feed that is full looks whether others wait for a place. */
const roomEveryMs = 500;
/** Instruments handed over at a time for the sake of balance. */
const mostAtOnce = 8;

/** Takes leases of instruments and records them until it is closed. */
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
      run: (lease) => this.#take(lease),
      declines: ({ source, symbol }) => this.#recorders.get(`${source}:${symbol}`)?.handingOver ?? false,
      onCrashLoop: (job) => this.#quarantine(job),
      log,
    });
  }

  /** Resolves when its worker takes leases. */
  static async start(options: FeedWorkerOptions): Promise<FeedWorker> {
    const feed = new FeedWorker(options);
    await feed.#pool.start();
    feed.#stops.push(
      feed.#balance(),
      interval(() => void feed.#makeRoom(), roomEveryMs),
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

  /** Hands every instrument over to another feed, and ends. */
  async close(deadlineMs: number): Promise<void> {
    this.#closing = true;
    for (const stop of this.#stops) stop();
    await this.#pool.close(deadlineMs);
    await Promise.all([...this.#recorders.values()].map((recorder) => recorder.stop()));
  }

  async #take(lease: Lease<FeedJob>): Promise<void> {
    const { log, metrics } = this.#options;
    const recorder = this.#recorderOf(lease.job);
    if (recorder === undefined || recorder.hasLease) return;
    const why = await recorder.hold(lease);
    metrics.leaseEnded(why);
    log.debug({ ...lease.job, why }, "lease ended");
    if (why !== "shutting down") return;
    await recorder.handOver({ deadlineMs: handOverMs, alone: !(await this.#hasOthers()) });
    await recorder.stop();
  }

  /** Whether other feeds are there to take over. */
  async #hasOthers(): Promise<boolean> {
    const { commands, keys, node, clock } = this.#options;
    const feeds = await liveWorkers(commands, keys, "feed", clock.now()).catch(() => []); // Redis is away: nobody takes over
    return feeds.some((feed) => feed.node !== node);
  }

  /** Where every place is taken and others wait, the instruments go that linger for those who may come back. */
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

  /** Feeds that came later get their share: those with too many hand some over, which costs a frame. */
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
          const surplus = [...feed.#recorders.values()].slice(0, Math.min(count, mostAtOnce));
          return Promise.all(surplus.map((recorder) => recorder.handOver({ deadlineMs: handOverMs, alone: false })));
        },
        endSlices: () => {}, // a change of hands that nobody needs costs a frame for nothing
      },
      now: () => clock.now(),
      everyMs: balanceEveryMs,
      log,
    });
  }

  /** An instrument at which feed after feed has died is left alone for a while, and those who want it are told. */
  async #quarantine(job: FeedJob): Promise<void> {
    const venue = this.#options.venues[job.source];
    if (venue === undefined) return;
    const writer = await this.#options.claim(job, venue, { priceDecimals: 0, sizeDecimals: 0 });
    await writer.publishStatus({
      status: "down",
      reason: "Feeds break down of this instrument. It is tried again in a minute.",
    });
    for (let ms = 0; ms < quarantineMs && !this.#closing; ms += 1000) {
      if ((await writer.renew()) !== "held") return;
      await sleep(1000);
    }
    await writer.release();
  }

  /** The recorder of an instrument: the one that is there already, or a new one. Undefined for what is no instrument. */
  #recorderOf(job: FeedJob): Recorder | undefined {
    const feed = `${job.source}:${job.symbol}`;
    const present = this.#recorders.get(feed);
    if (present !== undefined) return present;
    const { venues, claim, maintenance, queue, clock, silenceMs, status, metrics, log } = this.#options;
    const venue = venues[job.source];
    const instrument = liveInstrument(job);
    if (venue === undefined || "refused" in instrument) {
      log.error({ ...job }, "no such source: the job is dropped");
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
    recorder.over.then(() => {
      this.#recorders.delete(feed);
      status(feed, undefined);
    });
    return recorder;
  }
}
