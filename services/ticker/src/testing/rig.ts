import { randomUUID } from "node:crypto";
import { type MaintenanceOptions, startMaintenance } from "@tapedeck/leases";
import { LiveTapes } from "@tapedeck/live";
import { TestFeed, type TestFeedOptions } from "@tapedeck/live/testing";
import {
  connectRedis,
  createLogger,
  createMetrics,
  type PubSubProbe,
  type RedisClock,
  type RedisConnection,
  type RedisPurpose,
  startHeartbeat,
  startPubSubProbe,
  startRedisClock,
  untilReady,
} from "@tapedeck/runtime";
import {
  defineSessionScripts,
  type Keys,
  keysWith,
  maintenanceQueue,
  type NewSessionOptions,
  SessionMaintenance,
  type SessionRecord,
  SessionService,
  SessionStore,
  TickerQueue,
  tickerQueueNames,
} from "@tapedeck/sessions";
import { BlockCache, type Tape, TapeCatalog } from "@tapedeck/tape";
import { interceptReads, MemoryTapeStore, type TestTapeOptions, writeTestTape } from "@tapedeck/tape/testing";
import { Ticker, type TickerOptions } from "../ticker.js";
import { Viewer } from "./viewer.js";

const log = createLogger({
  service: "ticker",
  node: "test",
  level: process.env.TEST_LOG === undefined ? "silent" : "debug",
});
const queues = 2;

/** A ticker in this process, with its own connections, which a test can cut. */
export interface TestTicker {
  readonly node: string;
  readonly ticker: Ticker;
  readonly connections: TickerOptions["connections"];
  readonly clock: RedisClock & { jump(byMs: number): void };
  /** A series of the ticker's metrics, without `tapedeck_ticker_`. */
  metric(name: string): Promise<number>;
  /** Locks of leases that are not handed back by the deadline expire by themselves. */
  close(options?: { readonly deadlineMs: number }): Promise<void>;
}

/** A tape store, a session service as in an api, tickers and viewers for tests, under their own prefix. */
export class Rig {
  readonly keys: Keys = keysWith(`test-${randomUUID()}`);
  readonly tapes: TapeCatalog;
  readonly store: SessionStore;
  readonly sessions: SessionService;
  readonly maintenance: SessionMaintenance;
  readonly redis: RedisConnection;
  readonly #url: string;
  /** Replaces, or delays, the bytes that reading a tape's file returns. */
  tamper: (offset: number, bytes: Buffer) => Buffer | Promise<Buffer> = (_, bytes) => bytes;
  readonly #tapeStore = new MemoryTapeStore();
  readonly #live: LiveTapes;
  readonly #tickerQueue: TickerQueue;
  readonly #open: { close(): Promise<void> }[] = [];

  constructor(redisUrl: string) {
    this.#url = redisUrl;
    this.redis = this.#connect("commands", "rig");
    const store = interceptReads(this.#tapeStore, (_, offset, bytes) => this.tamper(offset, bytes));
    const cache = new BlockCache(64 * 2 ** 20);
    const subscriber = this.#connect("subscriber", "rig");
    const { redis, keys } = this;
    this.#live = new LiveTapes({ redis, subscriber, keys, store: this.#tapeStore, cache, log });
    this.#open.push({ close: async () => subscriber.disconnect() });
    this.tapes = new TapeCatalog(store, { cache, live: this.#live });
    this.store = new SessionStore(this.redis, this.keys);
    this.#tickerQueue = new TickerQueue({ redis: this.redis, keys: this.keys, queues });
    this.maintenance = new SessionMaintenance({ store: this.store, tickerQueue: this.#tickerQueue });
    this.sessions = new SessionService({
      store: this.store,
      tapes: this.tapes,
      feeds: this.#live,
      tickerQueue: this.#tickerQueue,
      log,
    });
  }

  /** Claims a feed, for the test to make its market. */
  async feed(options: Pick<TestFeedOptions, "intervalMs" | "settings"> = {}): Promise<TestFeed> {
    const redis = this.#connect("publisher", "feed");
    this.#open.push({ close: async () => redis.disconnect() });
    await untilReady(redis);
    return TestFeed.claim({ redis, keys: this.keys, store: this.#tapeStore, log, ...options });
  }

  /** A LIVE session at the edge of that feed's tape, with a viewer. */
  async liveWatched(choice: NewSessionOptions = {}): Promise<{ record: SessionRecord; viewer: Viewer }> {
    const { record } = await this.sessions.open(undefined, { mode: "LIVE", max_fps: 0, ...choice });
    const viewer = await this.watch(record.id, { epoch: record.epoch, seq: record.anchorSeq });
    return { record, viewer };
  }

  async tape(options: TestTapeOptions = {}): Promise<Tape> {
    return this.tapes.open(await writeTestTape(this.#tapeStore, { id: `t${randomUUID().slice(0, 8)}`, ...options }));
  }

  /** A playing session on a tape; it is not rendered before a ticker runs. */
  async play(tape: Tape, choice: NewSessionOptions = {}): Promise<SessionRecord> {
    const { record } = await this.sessions.open(undefined, {
      tape: tape.id.split("@")[0],
      max_fps: 0,
      start: true,
      ...choice,
    });
    return record;
  }

  async watch(sessionId: string, from: { epoch: number; seq: number }): Promise<Viewer> {
    const viewer = new Viewer(this.#connect("subscriber", "viewer"), from);
    this.#open.push(viewer);
    await viewer.subscribe(this.keys.sessionChannel(sessionId));
    return viewer;
  }

  /** Plays a tape, with a viewer from the first frame on. */
  async playWatched(tape: Tape, choice: NewSessionOptions = {}): Promise<{ id: string; viewer: Viewer }> {
    const { record } = await this.sessions.open(undefined, { tape: tape.id.split("@")[0], max_fps: 0, ...choice });
    const viewer = await this.watch(record.id, { epoch: record.epoch, seq: record.anchorSeq });
    await this.sessions.perform(record.id, { type: "start" });
    return { id: record.id, viewer };
  }

  async record(sessionId: string): Promise<SessionRecord> {
    const found = await this.store.read(sessionId);
    if (found === undefined) throw new Error(`session ${sessionId} is gone`);
    return found.record;
  }

  async ticker(
    options: Partial<Pick<TickerOptions, "capacity" | "parkAfterMs" | "balanceEveryMs">> = {},
  ): Promise<TestTicker> {
    const node = `ticker-${randomUUID().slice(0, 8)}`;
    const connections = {
      commands: this.#connect("commands", node),
      publisher: defineSessionScripts(this.#connect("publisher", node)),
      subscriber: this.#connect("subscriber", node),
      bullmq: this.#connect("bullmq", node),
    };
    const { commands, publisher, subscriber } = connections;
    const clock = jumpy(await startRedisClock(commands, { log }));
    const probe: PubSubProbe = startPubSubProbe({
      publisher,
      subscriber,
      channel: this.keys.probeChannel(node),
      intervalMs: 100,
      log,
    });
    const store = new SessionStore(commands, this.keys);
    const tickerQueue = new TickerQueue({ redis: commands, keys: this.keys, queues });
    const metrics = createMetrics("ticker", node);
    const ticker = await Ticker.start({
      node,
      keys: this.keys,
      connections,
      clock,
      probe,
      store,
      sessions: new SessionService({ store, tapes: this.tapes, tickerQueue, log }),
      tapes: this.tapes,
      queues: tickerQueueNames(queues),
      capacity: 100,
      parkAfterMs: 30_000,
      metrics,
      log,
      ...options,
    });
    const heartbeat = startHeartbeat(commands, {
      nodeKey: this.keys.node(node),
      nodesKey: this.keys.nodes,
      node,
      ttlS: 1,
      fields: () => ({ role: "ticker", leases: ticker.leases }),
      now: () => clock.now(),
      log,
    });
    let closed: Promise<void> | undefined;
    const close = async (deadlineMs: number): Promise<void> => {
      await ticker.close(deadlineMs);
      await heartbeat.stop();
      probe.stop();
      clock.stop();
      for (const redis of Object.values(connections)) redis.disconnect();
    };
    const metric = async (name: string): Promise<number> => {
      const line = (await metrics.text()).split("\n").find((text) => text.startsWith(`tapedeck_ticker_${name}{`));
      return Number(line?.split(" ").at(-1) ?? Number.NaN);
    };
    const rigged = {
      node,
      ticker,
      connections,
      clock,
      metric,
      close: ({ deadlineMs } = { deadlineMs: 3000 }) => (closed ??= close(deadlineMs)),
    };
    this.#open.push(rigged);
    return rigged;
  }

  async runMaintenance(chores: MaintenanceOptions["chores"]): Promise<void> {
    const connection = this.#connect("bullmq", "upkeep");
    const queue = maintenanceQueue;
    const upkeep = await startMaintenance({
      connection,
      queue,
      prefix: this.keys.bullPrefix,
      node: "upkeep",
      chores,
      log,
    });
    const close = async (): Promise<void> => {
      await upkeep.stop();
      connection.disconnect();
    };
    this.#open.push({ close });
  }

  async close(): Promise<void> {
    await this.#live.close();
    for (const opened of this.#open.reverse()) await opened.close();
    await this.#tickerQueue.close();
    const prefix = this.keys.stats.slice(0, -":stats".length);
    const left = await this.redis.keys(`${prefix}:*`);
    if (left.length > 0) await this.redis.del(...left);
    this.redis.disconnect();
  }

  #connect(purpose: RedisPurpose, name: string): RedisConnection {
    return connectRedis({ url: this.#url, purpose, name, log });
  }
}

/** A clock whose jumps a test decides on. */
function jumpy(clock: RedisClock): RedisClock & { jump(byMs: number): void } {
  const listeners = new Set<(byMs: number) => void>();
  let offset = 0;
  return {
    now: () => clock.now() + offset,
    onJump(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    stop: () => clock.stop(),
    jump(byMs) {
      offset += byMs;
      for (const listener of listeners) listener(byMs);
    },
  };
}
