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
  reportRedisHealth,
  startHeartbeat,
  untilReady,
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
import { readGatewayConfig } from "../config.js";
import { type Gateway, startGateway } from "../gateway.js";
import { chooseServer } from "../server/choose-server.js";
import type { StartServer } from "../server/server.js";
import { Client, type ClientOptions } from "./test-client.js";

export interface TestCluster {
  readonly redis: Redis;
  readonly keys: Keys;
  /** Where the tapes are. */
  readonly folder: string;
  readonly store: SessionStore;
  readonly sessions: SessionService;
  readonly tapes: TapeCatalog;
  /** Starts one more gateway. */
  gateway(env?: NodeJS.ProcessEnv, startServer?: StartServer): Promise<TestGateway>;
  tape(options?: TestTapeOptions): Promise<Tape>;
  /** Claims a feed, whose frames the test appends. */
  feed(options?: Pick<TestFeedOptions, "symbol" | "intervalMs" | "tradesPerFrame" | "settings">): Promise<TestFeed>;
  /** How many connections to Redis subscribe to the channel of a feed. */
  feedSubscribers(symbol: string): Promise<number>;
  /** Publishes the frames (prev, seq] as a ticker does that has the session's present revision. */
  publish(record: Pick<SessionRecord, "id" | "rev" | "epoch" | "tape">, prev: Seq, seq: Seq): Promise<number>;
  stop(): Promise<void>;
}

export interface TestGateway extends Gateway {
  readonly health: Health;
  /** `ws://127.0.0.1:port` */
  readonly ws: string;
  client(path: string, options?: ClientOptions): Promise<Client>;
  metric(name: string): Promise<number>;
  /** How many commands had this result: `done`, or the code of a refusal. */
  commands(command: string, result: string): Promise<number>;
  /** The connection that subscribes to the sessions' channels. */
  readonly subscriber: RedisConnection;
}

/** A cluster with one gateway and one tape, for the tests of a file. */
export interface GatewayFixture {
  readonly cluster: TestCluster;
  readonly gateway: TestGateway;
  /** Creates a session that is paused at a frame, so that no ticker is needed and the test can publish frames. */
  pausedSession(at?: number, choice?: Parameters<TestCluster["sessions"]["open"]>[1]): Promise<SessionRecord>;
  newId(): string;
  stop(): Promise<void>;
}

/** The tape of sessions that name none; `writeTestTape` uses this id if it is given none. */
const defaultTape = "test";

/** A real Redis, a folder of tapes, and gateways in this process. There are no tickers: the tests publish in their place. */
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
  const tapes = new TapeCatalog(tapeStore, { cache, live, orders: (id, from) => store.orders(id, from) });
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
    feedSubscribers: async (symbol) => Number((await redis.pubsub("NUMSUB", keys.live("BINANCE", symbol)))[1]),
    tape: async (options) => tapes.open(await writeTestTape(tapeStore, options)),
    publish: async ({ id, rev, epoch, tape }, prev, seq) =>
      redis.publish(
        keys.sessionChannel(id),
        `${frameHead(rev, epoch, prev, seq)}${await render(await tapes.open(tape), prev, seq)}`,
      ),
    gateway: async (env = {}, startServer = chooseServer({ production: false, allowSlow: true, log })) => {
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
      reportRedisHealth(connections.commands, health);
      const metrics = createMetrics("gateway", config.NODE_ID);
      const gateway = await startGateway({
        config,
        guard: new RequestGuard(config),
        log,
        health,
        metrics,
        startServer,
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
        gateway.stopAccepting();
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

export async function openGatewayFixture(
  redisUrl: string,
  tape: TestTapeOptions = { frames: 1000 },
): Promise<GatewayFixture> {
  const cluster = await startTestCluster(redisUrl);
  await cluster.tape(tape);
  const gateway = await cluster.gateway();
  let nth = 0;
  const newId = () => `session_${++nth}`;
  return {
    cluster,
    gateway,
    newId,
    pausedSession: async (at = 0, choice = {}) => {
      const id = newId();
      await cluster.sessions.open(id, { start: true, ...choice });
      await cluster.sessions.perform(id, { type: "pause" });
      return (await cluster.sessions.perform(id, { type: "seek", to: { seq: at } })).record;
    },
    stop: () => cluster.stop(),
  };
}
