import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LiveTapes } from "@tapedeck/live";
import { TestFeed, type TestFeedOptions } from "@tapedeck/live/testing";
import {
  connectRedis,
  createHealth,
  createLogger,
  createMetrics,
  type Health,
  type LogLevel,
  type RedisConnection,
  type RedisPurpose,
  RequestGuard,
  startHeartbeat,
  untilReady,
  watchRedis,
} from "@tapedeck/runtime";
import {
  frameHead,
  type Keys,
  keysWith,
  type SessionRecord,
  SessionService,
  SessionStore,
  TickerQueue,
} from "@tapedeck/sessions";
import { BlockCache, FolderTapeStore, render, type Seq, type Tape, TapeCatalog } from "@tapedeck/tape";
import { type TestTapeOptions, writeTestTape } from "@tapedeck/tape/testing";
import { Redis } from "ioredis";
import { chooseListen } from "../choose-listen.js";
import { readGatewayConfig } from "../config.js";
import { type Gateway, startGateway } from "../gateway.js";
import type { Listen } from "../listener.js";
import { Client, type ClientOptions } from "./client.js";

export interface TestCluster {
  readonly redis: Redis;
  readonly keys: Keys;
  /** Where the tapes are. */
  readonly folder: string;
  readonly store: SessionStore;
  readonly sessions: SessionService;
  readonly tapes: TapeCatalog;
  /** Starts one more gateway; with the environment of a test's taste. */
  gateway(env?: NodeJS.ProcessEnv, listen?: Listen): Promise<TestGateway>;
  tape(options?: TestTapeOptions): Promise<Tape>;
  /** Claims a feed, for the test to make its market. */
  feed(options?: Pick<TestFeedOptions, "symbol" | "intervalMs" | "tradesPerFrame" | "settings">): Promise<TestFeed>;
  /** Sockets of Redis that hear a feed. */
  hearing(symbol: string): Promise<number>;
  /** Publishes the frames (prev, seq] as a ticker of the session's present revision would. */
  publish(record: Pick<SessionRecord, "id" | "rev" | "epoch" | "tape">, prev: Seq, seq: Seq): Promise<number>;
  stop(): Promise<void>;
}

export interface TestGateway extends Gateway {
  readonly health: Health;
  /** `ws://127.0.0.1:port` */
  readonly ws: string;
  client(path: string, options?: ClientOptions): Promise<Client>;
  metric(name: string): Promise<number>;
  /** Commands that came to this: `done`, or the code of a refusal. */
  commands(command: string, result: string): Promise<number>;
  /** The connection that hears the sessions' channels. */
  readonly subscriber: RedisConnection;
}

/** The tape of sessions that ask for none: that of `writeTestTape` where it is told no id. */
const defaultTape = "test";

/** Real Redis, a folder of tapes, and gateways in this process: everything but tickers, whose part the tests play. */
export async function startTestCluster(redisUrl: string, logLevel: LogLevel = "silent"): Promise<TestCluster> {
  const prefix = `test-${randomUUID().slice(0, 8)}`;
  const keys = keysWith(prefix);
  const folder = await mkdtemp(join(tmpdir(), "tapedeck-gateway-"));
  const log = createLogger({ service: "gateway", node: "test", level: logLevel });
  const redis = new Redis(redisUrl);
  const connect = (purpose: RedisPurpose) => connectRedis({ url: redisUrl, purpose, name: "test", log });
  const subscriber = connect("subscriber");
  const publisher = connect("publisher");
  const tapeStore = new FolderTapeStore(folder);
  const store = new SessionStore(redis, keys);
  const cache = new BlockCache(32 << 20);
  const live = new LiveTapes({ redis, subscriber, keys, store: tapeStore, cache, log });
  const tapes = new TapeCatalog(tapeStore, { cache, live, orders: (id) => store.orders(id) });
  const tickerQueue = new TickerQueue({ redis, keys, queues: 4 });
  const sessions = new SessionService({ store, tapes, feeds: live, tickerQueue, log, defaultTape });
  const stops: (() => Promise<void>)[] = [];

  return {
    redis,
    keys,
    folder,
    store,
    sessions,
    tapes,
    feed: async (options) => {
      await untilReady(publisher);
      return TestFeed.claim({ redis: publisher, keys, store: tapeStore, log, ...options });
    },
    hearing: async (symbol) => Number((await redis.pubsub("NUMSUB", keys.live("BINANCE", symbol)))[1]),
    tape: async (options) => tapes.open(await writeTestTape(tapeStore, options)),
    publish: async ({ id, rev, epoch, tape }, prev, seq) =>
      redis.publish(
        keys.sessionChannel(id),
        `${frameHead(rev, epoch, prev, seq)}${await render(await tapes.open(tape), prev, seq)}`,
      ),
    gateway: async (env = {}, listen = chooseListen({ production: false, allowSlow: true, log })) => {
      const config = readGatewayConfig({
        SIMULATION_WARM_UP: "off",
        REDIS_URL: redisUrl,
        TAPEDECK_PREFIX: prefix,
        TAPEDECK_STORE: folder,
        DRAIN_MS: "100",
        DEFAULT_TAPE: defaultTape,
        ...env,
      });
      const connections = {
        commands: connect("commands"),
        publisher: connect("publisher"),
        subscriber: connect("subscriber"),
      };
      await Promise.all(Object.values(connections).map(untilReady));
      const health = createHealth();
      watchRedis(connections.commands, health);
      const metrics = createMetrics("gateway", config.NODE_ID);
      const gateway = await startGateway({
        config,
        guard: new RequestGuard(config),
        log,
        health,
        metrics,
        listen,
        redis: connections,
        now: Date.now,
      });
      const heartbeat = startHeartbeat(connections.commands, {
        nodeKey: keys.node(config.NODE_ID),
        nodesKey: keys.nodes,
        node: config.NODE_ID,
        fields: () => gateway.fields(),
        now: Date.now,
        log,
      });
      const clients: Client[] = [];
      const ws = gateway.url.replace("http:", "ws:");
      let stopped = false;
      const stop = async () => {
        if (stopped) return;
        stopped = true;
        for (const client of clients) client.terminate();
        gateway.shut();
        await gateway.drain();
        await heartbeat.stop().catch(() => {}); // a test may have cut the connection
        await gateway.stop();
        for (const connection of Object.values(connections)) connection.disconnect();
      };
      stops.push(stop);
      return {
        ...gateway,
        stop,
        health,
        ws,
        subscriber: connections.subscriber,
        client: async (path, options) => {
          const client = new Client(`${ws}${path}`, options);
          clients.push(client);
          await client.opened;
          return client;
        },
        metric: async (name) => {
          const line = (await metrics.text()).split("\n").find((text) => text.startsWith(`tapedeck_gateway_${name}`));
          return Number(line?.split(" ").at(-1) ?? Number.NaN);
        },
        commands: async (command, result) => {
          const labels = [`command="${command}"`, `result="${result}"`];
          const line = (await metrics.text()).split("\n").find((text) => labels.every((label) => text.includes(label)));
          return Number(line?.split(" ").at(-1) ?? 0);
        },
      };
    },
    stop: async () => {
      for (const stop of stops) await stop();
      await live.close();
      await tickerQueue.close();
      for (const connection of [subscriber, publisher]) connection.disconnect();
      const left = await redis.keys(`${prefix}:*`);
      if (left.length > 0) await redis.del(...left);
      await redis.quit();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
