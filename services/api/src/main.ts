import { setTimeout as sleep } from "node:timers/promises";
import { createAccess, showAccess } from "@tapedeck/access";
import { LiveTapes } from "@tapedeck/live";
import {
  announceReady,
  ConfigError,
  connectRedis,
  createCommandCounter,
  createHealth,
  createLogger,
  createMetrics,
  createShutdown,
  measureRedisLatency,
  observeBlockCache,
  printableLines,
  RequestGuard,
  reportRedisHealth,
  startHeartbeat,
  startStatusServer,
  startTracing,
  trustedProxies,
  version,
} from "@tapedeck/runtime";
import { keysWith, SessionService, SessionStore, TickerQueue, UserQueue } from "@tapedeck/sessions";
import { BlockCache, openTapeStore, TapeCatalog } from "@tapedeck/tape";
import { createApp } from "./app.js";
import { type Config, readApiConfig } from "./config.js";
import { listen } from "./http/listen.js";
import { createRequestMetrics } from "./http/request-metrics.js";
import { showCluster } from "./monitoring/cluster-metrics.js";
import { openQueues } from "./pages/queues-page.js";
import { pagePolicy } from "./pages/static-pages.js";

try {
  await main(readApiConfig());
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  process.stderr.write(`${printableLines(error.message)}\n`);
  process.exit(1); // connections to Redis, and what answers probes, would keep it alive
}

async function main(config: Config): Promise<void> {
  const node = config.NODE_ID;
  const log = createLogger({ service: "api", node, level: config.LOG_LEVEL });
  const shutdown = createShutdown({ log, budgetMs: config.SHUTDOWN_MS });
  const stopTracing = await startTracing({ service: "api", node, config, log });
  const keys = keysWith(config.TAPEDECK_PREFIX);
  const metrics = createMetrics("api", node);
  const requests = createRequestMetrics(metrics.registry);

  const health = createHealth();
  health.set("api", "unready", "starting");
  const { HOST: host, STATUS_PORT: statusPort } = config;
  const guard = new RequestGuard(config);
  const status =
    statusPort === undefined ? undefined : await startStatusServer({ host, port: statusPort, health, metrics, guard });

  const redis = connectRedis({ url: config.REDIS_URL, purpose: "commands", name: node, log });
  /** Hears the markets on which this node was asked for places. */
  const subscriber = connectRedis({ url: config.REDIS_URL, purpose: "subscriber", name: node, log });
  reportRedisHealth(redis, health);
  const stopWatching = measureRedisLatency(redis, metrics);

  const access = createAccess("api", config, { redis, keys, log });
  const store = new SessionStore(redis, keys, { caps: access.quotas });
  const tapeStore = await openTapeStore(config.TAPEDECK_STORE, config.S3_ENDPOINT);
  const cache = new BlockCache(config.CACHE_MB * 2 ** 20);
  const live = new LiveTapes({
    ...{ redis, subscriber, keys, store: tapeStore, cache, log },
    lingerMs: config.LIVE_LINGER_S * 1000,
    instrumentsPerUser: access.quotas.instrumentsPerUser,
    instrumentStarts: access.quotas.instrumentStarts,
  });
  const tapes = new TapeCatalog(tapeStore, { cache, live, orders: (id) => store.orders(id), log });
  const tickerQueue = new TickerQueue({ redis, keys, queues: config.TICKER_QUEUES });
  const searches = new UserQueue("searches");
  const sessions = new SessionService({
    store,
    tapes,
    feeds: live,
    tickerQueue,
    searches,
    log,
    ttl: config.SESSION_TTL_S,
    defaultTape: config.DEFAULT_TAPE,
  });

  showCluster(metrics, { store, redis, keys, tickerQueue });
  observeBlockCache(metrics, cache);
  showAccess(metrics, access);

  const queues = openQueues({ redis, keys, log }, config.TICKER_QUEUES);
  const app = createApp({
    node,
    sessions,
    store,
    tapes,
    searches,
    live,
    redis,
    keys,
    health,
    metrics,
    requests,
    countCommand: createCommandCounter(metrics),
    queues,
    log,
    access,
    guard,
    pagePolicy: pagePolicy(config.DASHBOARD_APIS, guard),
    trustedProxies: trustedProxies(config.TRUSTED_PROXIES),
    legacyModeGuess: config.LEGACY_MODE_GUESS,
    bodyBytes: config.BODY_BYTES,
  });
  if (config.SIMULATION_WARM_UP) await tapes.warmUp();
  const server = await listen(app, config.HOST, config.PORT);
  const statusUrl = status && { status_url: status.url };
  const heartbeat = startHeartbeat(redis, {
    nodeKey: keys.node(node),
    nodesKey: keys.nodes,
    node,
    fields: () => ({
      role: "api",
      version,
      queues: config.TICKER_QUEUES,
      pid: process.pid,
      url: server.url,
      ...statusUrl,
      ...requests.totals(),
    }),
    // Good enough for a list of who was heard in the last 15 s; nothing is anchored to it.
    now: Date.now,
    log,
  });

  shutdown.step("turn unready", () => health.set("api", "unready", "shutting down"));
  shutdown.step("let traffic move on", () => sleep(config.UNREADY_MS), 3); // balancers poll; no event tells us
  shutdown.step("finish the requests under way", () => server.close(), 3);
  shutdown.step("leave the list of nodes", () => heartbeat.stop());
  shutdown.step("leave Redis", async () => {
    stopWatching();
    await live.close();
    await Promise.all([tickerQueue, ...queues].map((queue) => queue.close()));
    await Promise.all([redis, subscriber].map((connection) => connection.quit()));
  });
  shutdown.step("stop answering", () => status?.stop());
  shutdown.step("send the last traces", stopTracing);

  health.set("api", "ok");
  announceReady({ url: server.url, pid: process.pid });
  log.info({ url: server.url }, "answering");
}
