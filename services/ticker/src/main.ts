import { startMaintenance } from "@tapedeck/leases";
import { LiveTapes } from "@tapedeck/live";
import {
  interval,
  observeBlockCache,
  reportPubSubHealth,
  runMain,
  startNode,
  startPubSubProbe,
  startRedisClock,
  startTracing,
  untilReady,
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
import { awaitTapeStore, BlockCache, openTapeStore, TapeCatalog } from "@tapedeck/tape";
import { readTickerConfig, type TickerConfig } from "./config.js";
import { Ticker } from "./ticker.js";

const probeEveryMs = 1000;
/** A ticker that has not received its own messages for this long does not receive its sessions' states either. */
const undeliveredMs = 5000;

await runMain(() => main(readTickerConfig()));

async function main(config: TickerConfig): Promise<void> {
  const node = await startNode({
    role: "ticker",
    config,
    statusPort: config.PORT,
    shutdownMs: config.SHUTDOWN_MS,
  });
  const { log, metrics, health, redis: commands, shutdown } = node;
  const stopTracing = await startTracing({ service: "ticker", node: node.id, config, log });
  const keys = keysWith(config.TAPEDECK_PREFIX);
  const publisher = defineSessionScripts(node.connect("publisher"));
  const subscriber = node.connect("subscriber");
  const bullmq = node.connect("bullmq");
  const clock = await startRedisClock(commands, { log });
  await Promise.all([publisher, subscriber, bullmq].map(untilReady));
  const channel = keys.probeChannel(node.id);
  const probe = startPubSubProbe({ publisher, subscriber, channel, intervalMs: probeEveryMs, log });

  const store = new SessionStore(commands, keys);
  const tapeStore = await openTapeStore(config.TAPEDECK_STORE, config.S3_ENDPOINT, { mustExist: true });
  // Others may have the tapes: this ticker takes no leases without.
  await awaitTapeStore(tapeStore, config.TAPEDECK_STORE, { health, log }).readable;
  const cache = new BlockCache(config.CACHE_MB * 2 ** 20);
  const live = new LiveTapes({
    ...{ redis: commands, subscriber, keys, store: tapeStore, cache, log },
    lingerMs: config.LIVE_LINGER_S * 1000,
  });
  const tapes = new TapeCatalog(tapeStore, { cache, live, orders: (id, from) => store.orders(id, from), log });
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
    node: node.id,
    keys,
    connections: { commands, publisher, subscriber, bullmq },
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
  const url = node.status?.url ?? "";
  const heartbeat = node.startHeartbeat({
    nodeKey: keys.node(node.id),
    nodesKey: keys.nodes,
    fields: () => {
      const { p50, p95, p99, messagesPerSecond } = ticker.metrics.takeLateness();
      return {
        queues: config.TICKER_QUEUES,
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
  });
  const maintenance = new SessionMaintenance({ store, tickerQueue });
  const upkeep = await startMaintenance({
    connection: bullmq,
    queue: maintenanceQueue,
    prefix: keys.bullPrefix,
    node: node.id,
    chores: {
      "requeue orphans": () => maintenance.requeueOrphans(),
      "sweep expired": () => maintenance.sweepExpired(),
    },
    log,
  });
  // Sessions play only while the publisher is connected, so here it tells whether Redis is away.
  const pubSub = { commands: publisher, publisher, timeoutMs: undeliveredMs };
  const stopHealthChecks = interval(() => reportPubSubHealth(probe, health, pubSub), probeEveryMs);

  shutdown.step("turn unready", () => node.turnUnready());
  shutdown.step("take no more leases", () => ticker.stopTaking());
  shutdown.step("leave upkeep", () => upkeep.stop());
  shutdown.step("write published seqs and give leases back", () => ticker.close(config.SHUTDOWN_MS / 2), 5);
  shutdown.step("leave the list of nodes", () => heartbeat.stop());
  shutdown.step("leave Redis", async () => {
    stopHealthChecks();
    probe.stop();
    clock.stop();
    await live.close();
    await tickerQueue.close();
    await node.closeRedis();
  });
  shutdown.step("stop answering", () => node.status?.stop());
  shutdown.step("send the last traces", stopTracing);

  node.ready(url, "accepting leases", { queues: config.TICKER_QUEUES });
}
