import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import {
  FeedQueue,
  type FeedState,
  type GrowingTape,
  LiveMaintenance,
  LiveTapes,
  LiveTapeWriter,
} from "@tapedeck/live";
import type { FeedStatus } from "@tapedeck/protocol";
import {
  connectRedis,
  createLogger,
  createMetrics,
  type RedisConnection,
  type RedisPurpose,
  startHeartbeat,
  startRedisClock,
} from "@tapedeck/runtime";
import { type Keys, keysWith } from "@tapedeck/sessions";
import { BlockCache, MemoryTapeStore, type Tape, TapeCatalog } from "@tapedeck/tape";
import { FeedWorker, type FeedWorkerOptions } from "../feed-worker.js";
import { createFeedMetrics } from "../metrics.js";
import { createVenues, type VenueSettings } from "../venues/venues.js";

const log = createLogger({
  service: "feed",
  node: "test",
  level: process.env.TEST_LOG === undefined ? "silent" : "debug",
});

/** A feed worker in this process, with connections that a test can cut. */
export interface TestWorker {
  readonly node: string;
  readonly feed: FeedWorker;
  readonly connections: {
    readonly commands: RedisConnection;
    readonly publisher: RedisConnection;
    readonly bullmq: RedisConnection;
  };
  readonly statuses: Map<string, FeedStatus>;
  /** Prometheus text. */
  metrics(): Promise<string>;
  close(): Promise<void>;
}

/** A frame as a follower received it. */
export interface FollowedFrame {
  readonly tape: string;
  readonly seq: number;
  readonly at: number;
  readonly json: string;
}

/** A session that requests a feed and follows it. */
export interface TestFollower {
  readonly frames: FollowedFrame[];
  readonly states: FeedState[];
  readonly tape: () => GrowingTape | undefined;
  /** Waits for this many more frames. */
  more(count: number, ms?: number): Promise<void>;
  /** Waits for this status of the feed. */
  untilStatus(status: FeedStatus["status"], reason?: RegExp, ms?: number): Promise<void>;
  /** Stops, and releases the feed. */
  leave(): Promise<void>;
  /** Stops, without releasing the feed. */
  stop(): void;
}

/** A tape store, feed workers and followers, under a Redis prefix of their own. */
export class Rig {
  readonly keys: Keys;
  readonly store = new MemoryTapeStore();
  readonly cache = new BlockCache(64 << 20);
  readonly redis: RedisConnection;
  readonly live: LiveTapes;
  readonly maintenance: LiveMaintenance;
  readonly queue: FeedQueue;
  readonly tapes: TapeCatalog;
  readonly #url: string;
  readonly #venues: VenueSettings;
  readonly #prefix = `test-${randomUUID()}`;
  readonly #open: { close(): Promise<void> | void }[] = [];

  constructor(redisUrl: string, venues: VenueSettings, { lingerMs = 60_000 } = {}) {
    this.#url = redisUrl;
    this.#venues = venues;
    this.keys = keysWith(this.#prefix);
    this.redis = this.connect("commands", "rig");
    const subscriber = this.connect("subscriber", "rig");
    const { redis, keys, store, cache } = this;
    this.live = new LiveTapes({ redis, subscriber, keys, store, cache, log, lingerMs });
    this.maintenance = new LiveMaintenance({ redis, keys, store, log });
    this.queue = new FeedQueue({ redis, keys });
    this.tapes = new TapeCatalog(store, { cacheBytes: 64 << 20, cache, live: this.live, log });
    this.#open.push({ close: () => subscriber.disconnect() });
  }

  async feed({
    keepSeconds = 0,
    ...options
  }: Partial<Pick<FeedWorkerOptions, "silenceMs" | "capacity" | "venues" | "balanceEveryMs">> & {
    keepSeconds?: number;
  } = {}): Promise<TestWorker> {
    const node = `feed-${randomUUID().slice(0, 8)}`;
    const [commands, publisher, bullmq] = [
      this.connect("commands", node),
      this.connect("publisher", node),
      this.connect("bullmq", node),
    ];
    const { keys, store } = this;
    const clock = await startRedisClock(commands, { log });
    const queue = new FeedQueue({ redis: commands, keys });
    const statuses = new Map<string, FeedStatus>();
    const metrics = createMetrics("feed", node);
    const feed = await FeedWorker.start({
      node,
      keys,
      bullmq,
      clock,
      venues: createVenues(this.#venues),
      claim: (job, { decimals }, precision) =>
        LiveTapeWriter.claim({
          ...{ redis: publisher, keys, store, ...job, node, decimals, intervalMs: 100, precision, log },
        }),
      maintenance: new LiveMaintenance({ redis: commands, keys, store, log, keepSeconds }),
      queue,
      commands,
      capacity: 100,
      frameMs: 100,
      silenceMs: 10_000,
      status: (name, status) => {
        if (status === undefined) statuses.delete(name);
        else statuses.set(name, status);
      },
      metrics: createFeedMetrics(metrics, () => statuses.values()),
      log,
      ...options,
    });
    const heartbeat = startHeartbeat(commands, {
      nodeKey: keys.node(node),
      nodesKey: keys.nodes,
      node,
      ttlS: 3,
      fields: () => ({ role: "feed", leases: feed.leases }),
      now: () => clock.now(),
      log,
    });
    let closed: Promise<void> | undefined;
    const close = async (): Promise<void> => {
      await heartbeat.stop();
      await feed.close(8000);
      clock.stop();
      await queue.close();
      for (const redis of [commands, publisher, bullmq]) redis.disconnect();
    };
    const rigged = {
      node,
      feed,
      connections: { commands, publisher, bullmq },
      statuses,
      metrics: () => metrics.text(),
      close: () => (closed ??= close()),
    };
    this.#open.push(rigged);
    return rigged;
  }

  /** Requests a feed like a gateway, and follows it. */
  async follow(source: string, symbol: string, { request = true } = {}): Promise<TestFollower> {
    const { live } = this;
    const frames: FollowedFrame[] = [];
    const states: FeedState[] = [];
    let tape: GrowingTape | undefined;
    const unfollow = this.live.follow(source, symbol, {
      frame(its, seq, body) {
        tape = its;
        frames.push({ tape: its.id, seq, at: performance.now(), json: body.toString("latin1") });
      },
      state: (state) => states.push(state),
    });
    const asker = { session: randomUUID(), owner: `user ${randomUUID()}` };
    const renew = () => this.live.requestFeed(source, symbol, asker).catch(() => {}); // Redis is away in some tests
    if (request) await renew();
    const timer = request ? setInterval(renew, 500) : undefined;
    const stop = (): void => {
      clearInterval(timer);
      unfollow();
    };
    this.#open.push({ close: stop });
    return {
      frames,
      states,
      tape: () => tape,
      async more(count, ms = 30_000) {
        const expected = frames.length + count;
        await until(
          () => frames.length >= expected,
          ms,
          () => `${frames.length} of ${expected} frames, ${JSON.stringify(states.at(-1))}`,
        );
      },
      async untilStatus(status, reason = /.*/, ms = 30_000) {
        // The next state may be there before we look again.
        const from = Math.max(0, states.length - 1);
        const fits = ({ status: its }: FeedState) => its.status === status && reason.test(its.reason ?? "");
        await until(
          () => states.slice(from).some(fits),
          ms,
          () => `the status is ${JSON.stringify(states.at(-1)?.status)}`,
        );
      },
      async leave() {
        stop();
        await live.releaseFeed(asker);
      },
      stop,
    };
  }

  open(name: string): Promise<Tape> {
    return this.tapes.open(name);
  }

  async close(): Promise<void> {
    for (const opened of this.#open.reverse()) await opened.close();
    await this.live.close();
    await this.queue.close();
    const left = await this.redis.keys(`${this.#prefix}:*`);
    if (left.length > 0) await this.redis.del(...left);
    this.redis.disconnect();
  }

  connect(purpose: RedisPurpose, name: string): RedisConnection {
    return connectRedis({ url: this.#url, purpose, name, log });
  }
}

async function until(check: () => boolean, ms: number, what: () => string): Promise<void> {
  const deadline = performance.now() + ms;
  while (!check()) {
    if (performance.now() > deadline) throw new Error(`timed out after ${ms} ms: ${what()}`);
    await sleep(10);
  }
}

/** The addresses of a test's fake exchanges; the other venues are unreachable. */
export function venuesAt(at: {
  bitmex?: { url: string; restUrl?: string };
  binance?: { url: string; restUrl: string };
}): VenueSettings {
  const nowhere = { socket: new URL("ws://127.0.0.1:1"), rest: new URL("http://127.0.0.1:1") };
  const of = (place: { url: string; restUrl?: string } | undefined) =>
    place === undefined ? nowhere : { socket: new URL(place.url), rest: new URL(place.restUrl ?? place.url) };
  return {
    addresses: {
      BINANCE: of(at.binance),
      "BINANCE-FUTURES": nowhere,
      BITMEX: of(at.bitmex),
      BYBIT: nowhere,
      COINBASE: nowhere,
      KRAKEN: nowhere,
      OKX: nowhere,
    },
    sim: { seed: "test", scenario: "calm" },
  };
}
