import { setTimeout as sleep } from "node:timers/promises";
import { createAccess, observeAccess } from "@tapedeck/access";
import { LiveTapes } from "@tapedeck/live";
import {
  createCommandCounter,
  observeBlockCache,
  runMain,
  startNode,
  startTracing,
  trustedProxies,
} from "@tapedeck/runtime";
import { keysWith, SessionService, SessionStore, TickerQueue, UserQueue } from "@tapedeck/sessions";
import { awaitTapeStore, BlockCache, openTapeStore, TapeCatalog } from "@tapedeck/tape";
import { Trading } from "@tapedeck/trading";
import { createApp } from "./app.js";
import { type Config, readApiConfig } from "./config.js";
import { FilePins } from "./files/file-pins.js";
import { GeneratedFiles, observeFiles } from "./files/generated-files.js";
import { listen } from "./http/listen.js";
import { createRequestMetrics } from "./http/request-metrics.js";
import { WebSockets } from "./http/web-socket.js";
import { observeCluster } from "./monitoring/cluster-metrics.js";
import { openQueues } from "./pages/queues-page.js";
import { pagePolicy } from "./pages/static-pages.js";
import { OpenStreams } from "./tapes/open-streams.js";
import { waitingSlices } from "./tardis/data-feeds.js";

await runMain(() => main(readApiConfig()));

async function main(config: Config): Promise<void> {
  const node = await startNode({
    role: "api",
    config,
    statusPort: config.STATUS_PORT,
    shutdownMs: config.SHUTDOWN_MS,
  });
  const { log, metrics, health, guard, status, redis, shutdown } = node;
  const stopTracing = await startTracing({ service: "api", node: node.id, config, log });
  const keys = keysWith(config.TAPEDECK_PREFIX);
  const requests = createRequestMetrics(metrics.registry);
  /** For the channels of live markets on which this node creates sessions or looks up positions. */
  const subscriber = node.connect("subscriber");

  const access = createAccess("api", config, { redis, keys, log });
  const store = new SessionStore(redis, keys, { caps: access.quotas });
  const tapeStore = await openTapeStore(config.TAPEDECK_STORE, config.S3_ENDPOINT, { mustExist: true });
  awaitTapeStore(tapeStore, config.TAPEDECK_STORE, { health, log });
  const cache = new BlockCache(config.CACHE_MB * 2 ** 20);
  const live = new LiveTapes({
    ...{ redis, subscriber, keys, store: tapeStore, cache, log },
    lingerMs: config.LIVE_LINGER_S * 1000,
    instrumentsPerUser: access.quotas.instrumentsPerUser,
    instrumentStarts: access.quotas.instrumentStarts,
  });
  const tapes = new TapeCatalog(tapeStore, { cache, live, orders: (id, from) => store.orders(id, from), log });
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

  const files = new GeneratedFiles({ diskBytes: config.FILES_MB * 2 ** 20, log });
  observeCluster(metrics, { store, redis, keys, tickerQueue });
  observeBlockCache(metrics, cache);
  observeAccess(metrics, access);
  observeFiles(metrics, files);

  const queues = openQueues({ redis, keys, log }, config.TICKER_QUEUES);
  const sockets = new WebSockets();
  const app = createApp({
    node: node.id,
    sessions,
    store,
    tapes,
    trading: new Trading({ store, sessions, tapes, mostActions: access.quotas.actionsPerSession }),
    searches,
    streams: new OpenStreams(),
    sockets,
    slices: new UserQueue("minutes of data feeds", waitingSlices),
    files,
    pins: new FilePins(redis, keys),
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
  const server = await listen(app, config.HOST, config.PORT, { sockets });
  const statusUrl = status && { status_url: status.url };
  const heartbeat = node.startHeartbeat({
    nodeKey: keys.node(node.id),
    nodesKey: keys.nodes,
    fields: () => ({ queues: config.TICKER_QUEUES, url: server.url, ...statusUrl, ...requests.totals() }),
    now: Date.now, // accurate enough to tell which nodes are alive
  });

  shutdown.step("turn unready", () => node.turnUnready());
  shutdown.step("let traffic move on", () => sleep(config.UNREADY_MS), 3); // balancers poll; no event tells us
  shutdown.step("finish the requests under way", () => server.close(), 3);
  shutdown.step("give up generated files", () => files.close());
  shutdown.step("leave the list of nodes", () => heartbeat.stop());
  shutdown.step("leave Redis", async () => {
    await live.close();
    await Promise.all([tickerQueue, ...queues].map((queue) => queue.close()));
    await node.closeRedis();
  });
  shutdown.step("stop answering", () => status?.stop());
  shutdown.step("send the last traces", stopTracing);

  node.ready(server.url, "serving requests");
}
