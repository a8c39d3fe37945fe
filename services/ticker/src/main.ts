import { startMaintenance } from "@tapedeck/leases";
import { LiveTapes } from "@tapedeck/live";
import {
  announceReady,
  ConfigError,
  connectRedis,
  createHealth,
  createLogger,
  createMetrics,
  createShutdown,
  type Health,
  interval,
  measureRedisLatency,
  observeBlockCache,
  type PubSubProbe,
  printableLines,
  type RedisConnection,
  type RedisPurpose,
  RequestGuard,
  reportRedisHealth,
  startHeartbeat,
  startPubSubProbe,
  startRedisClock,
  startStatusServer,
  startTracing,
  untilReady,
  version,
} from "@tapedeck/runtime";
import {
  defineSessionScripts,
  keysWith,
  maintenanceQueue,
  SessionMaintenance,
  SessionService,
  SessionStore,
  TickerQueue,
  tickerQueueNames,
} from "@tapedeck/sessions";
import { BlockCache, openTapeStore, TapeCatalog } from "@tapedeck/tape";
import { readTickerConfig, type TickerConfig } from "./config.js";
import { Ticker } from "./ticker.js";

const probeEveryMs = 1000;
/** A ticker that has not heard its own messages for this long does not hear its sessions' states either. */
const deafAfterMs = 5000;

try {
  await main(readTickerConfig());
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  process.stderr.write(`${printableLines(error.message)}\n`);
  process.exitCode = 1;
}

async function main(config: TickerConfig): Promise<void> {
  const node = config.NODE_ID;
  const keys = keysWith(config.TAPEDECK_PREFIX);
  const log = createLogger({ service: "ticker", node, level: config.LOG_LEVEL });
  const metrics = createMetrics("ticker", node);
  const health = createHealth();
  const shutdown = createShutdown({ log, budgetMs: config.SHUTDOWN_MS });
  const stopTracing = await startTracing({ service: "ticker", node, config, log });
  health.set("ticker", "unready", "starting");
  const status = await startStatusServer({
    ...{ host: config.HOST, port: config.PORT, health, metrics },
    guard: new RequestGuard(config),
  });

  const connect = (purpose: RedisPurpose) => connectRedis({ url: config.REDIS_URL, purpose, name: node, log });
  const connections = {
    commands: connect("commands"),
    publisher: defineSessionScripts(connect("publisher")),
    subscriber: connect("subscriber"),
    bullmq: connect("bullmq"),
  };
  const { commands, publisher, subscriber, bullmq } = connections;
  reportRedisHealth(commands, health);
  const clock = await startRedisClock(commands, { log });
  await Promise.all(Object.values(connections).map(untilReady));
  const stopMeasuring = measureRedisLatency(commands, metrics);
  const channel = keys.probeChannel(node);
  const probe = startPubSubProbe({ publisher, subscriber, channel, intervalMs: probeEveryMs, log });

  const store = new SessionStore(commands, keys);
  const tapeStore = await openTapeStore(config.TAPEDECK_STORE, config.S3_ENDPOINT);
  const cache = new BlockCache(config.CACHE_MB * 2 ** 20);
  const live = new LiveTapes({
    ...{ redis: commands, subscriber, keys, store: tapeStore, cache, log },
    lingerMs: config.LIVE_LINGER_S * 1000,
  });
  const tapes = new TapeCatalog(tapeStore, { cache, live, orders: (id) => store.orders(id), log });
  observeBlockCache(metrics, cache);
  const tickerQueue = new TickerQueue({ redis: commands, keys, queues: config.TICKER_QUEUES });
  const sessions = new SessionService({
    store,
    tapes,
    tickerQueue,
    log,
    ttl: config.SESSION_TTL_S,
    defaultTape: config.DEFAULT_TAPE,
  });

  if (config.SIMULATION_WARM_UP) await tapes.warmUp();
  const ticker = await Ticker.start({
    node,
    keys,
    connections,
    clock,
    probe,
    store,
    sessions,
    tapes,
    queues: tickerQueueNames(config.TICKER_QUEUES),
    capacity: config.TICKER_SESSIONS,
    parkAfterMs: config.PARK_AFTER_MS,
    metrics,
    log,
  });
  const heartbeat = startHeartbeat(commands, {
    nodeKey: keys.node(node),
    nodesKey: keys.nodes,
    node,
    fields: () => {
      const { p50, p95, p99, messagesPerSecond } = ticker.metrics.takeLateness();
      const { url } = status;
      return {
        role: "ticker",
        version,
        queues: config.TICKER_QUEUES,
        pid: process.pid,
        url,
        leases: ticker.leases,
        frames_published: ticker.metrics.framesPublished,
        frames_per_second: messagesPerSecond,
        late_p50_ms: p50,
        late_p95_ms: p95,
        late_p99_ms: p99,
      };
    },
    now: () => clock.now(),
    log,
  });
  const maintenance = new SessionMaintenance({ store, tickerQueue });
  const upkeep = await startMaintenance({
    connection: bullmq,
    queue: maintenanceQueue,
    prefix: keys.bullPrefix,
    node,
    chores: {
      "requeue orphans": () => maintenance.requeueOrphans(),
      "sweep expired": () => maintenance.sweepExpired(),
    },
    log,
  });
  const watching = interval(() => watchHealth(health, publisher, probe), 1000);

  shutdown.step("turn unready", () => health.set("ticker", "unready", "shutting down"));
  shutdown.step("take no more leases", () => ticker.stopTaking());
  shutdown.step("leave upkeep", () => upkeep.stop());
  shutdown.step("write published seqs and give leases back", () => ticker.close(config.SHUTDOWN_MS / 2), 5);
  shutdown.step("leave the list of nodes", () => heartbeat.stop());
  shutdown.step("leave Redis", async () => {
    watching();
    stopMeasuring();
    probe.stop();
    clock.stop();
    await live.close();
    await tickerQueue.close();
    await Promise.all([commands, publisher, subscriber, bullmq].map((redis) => redis.quit()));
  });
  shutdown.step("stop answering", () => status.stop());
  shutdown.step("send the last traces", stopTracing);

  health.set("ticker", "ok");
  announceReady({ url: status.url, pid: process.pid });
  log.info({ url: status.url, queues: config.TICKER_QUEUES }, "taking leases");
}

/** Redis's absence is nothing that another replica would do better at; deafness is. */
function watchHealth(health: Health, publisher: RedisConnection, probe: PubSubProbe): void {
  const connected = publisher.status === "ready";
  health.set("masters", connected && probe.publishRefused ? "degraded" : "ok", "some of Redis does not answer");
  health.set(
    "pubsub",
    !connected || probe.receivedWithin(deafAfterMs) ? "ok" : "unready",
    "own messages do not come back",
  );
}
