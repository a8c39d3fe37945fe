import { startMaintenance } from "@tapedeck/leases";
import { FeedQueue, feedMaintenanceQueue, LiveMaintenance, LiveTapeWriter } from "@tapedeck/live";
import { analyticsVersion } from "@tapedeck/market";
import type { FeedStatus } from "@tapedeck/protocol";
import {
  announceReady,
  ConfigError,
  connectRedis,
  createHealth,
  createLogger,
  createMetrics,
  createShutdown,
  measureRedisLatency,
  printableLines,
  type RedisPurpose,
  RequestGuard,
  reportRedisHealth,
  startHeartbeat,
  startRedisClock,
  startStatusServer,
  untilReady,
  version,
} from "@tapedeck/runtime";
import { keysWith } from "@tapedeck/sessions";
import { openTapeStore } from "@tapedeck/tape";
import { type FeedConfig, readFeedConfig, tapeSettings, venueSettings } from "./config.js";
import { FeedWorker } from "./feed-worker.js";
import { findFeeds } from "./find-feeds.js";
import { InstrumentLists } from "./instrument-lists.js";
import { createFeedMetrics } from "./metrics.js";
import { createVenues } from "./venues/venues.js";

const heartbeatTtlS = 15;

try {
  await main(readFeedConfig());
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  process.stderr.write(`${printableLines(error.message)}\n`);
  process.exitCode = 1;
}

async function main(config: FeedConfig): Promise<void> {
  const node = config.NODE_ID;
  const keys = keysWith(config.TAPEDECK_PREFIX);
  const log = createLogger({ service: "feed", node, level: config.LOG_LEVEL });
  const metrics = createMetrics("feed", node);
  const health = createHealth();
  const shutdown = createShutdown({ log, budgetMs: config.SHUTDOWN_MS });
  health.set("feed", "unready", "starting");
  const status = await startStatusServer({
    ...{ host: config.HOST, port: config.PORT, health, metrics },
    guard: new RequestGuard(config),
  });

  const connect = (purpose: RedisPurpose) => connectRedis({ url: config.REDIS_URL, purpose, name: node, log });
  const [commands, publisher, bullmq] = [connect("commands"), connect("publisher"), connect("bullmq")];
  reportRedisHealth(commands, health);
  const clock = await startRedisClock(commands, { log });
  await Promise.all([publisher, bullmq].map(untilReady));
  const stopMeasuring = measureRedisLatency(commands, metrics);
  const store = await openTapeStore(config.TAPEDECK_STORE, config.S3_ENDPOINT);
  const maintenance = new LiveMaintenance({ redis: commands, keys, store, log, keepSeconds: config.LIVE_KEEP_S });
  const queue = new FeedQueue({ redis: commands, keys });

  const venues = createVenues(venueSettings(config));
  const lists = new InstrumentLists({ venues, maintenance, log });
  const statuses = new Map<string, FeedStatus>();
  const feedMetrics = createFeedMetrics(metrics, () => statuses.values());
  const feed = await FeedWorker.start({
    node,
    keys,
    bullmq,
    clock,
    venues,
    claim: (job, { decimals }, precision) =>
      LiveTapeWriter.claim({
        redis: publisher,
        keys,
        store,
        ...job,
        node,
        decimals,
        intervalMs: config.FRAME_MS,
        precision,
        analyticsVersion,
        settings: tapeSettings(config),
        log,
      }),
    maintenance,
    queue,
    commands,
    capacity: config.FEED_INSTRUMENTS,
    frameMs: config.FRAME_MS,
    silenceMs: config.SILENCE_MS,
    status: (name, now) => {
      if (now === undefined) statuses.delete(name);
      else statuses.set(name, now);
      const good = now === undefined || now.status === "up";
      health.set(name, good ? "ok" : "degraded", now?.reason ?? now?.status);
    },
    metrics: feedMetrics,
    log,
  });
  const heartbeat = startHeartbeat(commands, {
    nodeKey: keys.node(node),
    nodesKey: keys.nodes,
    node,
    ttlS: heartbeatTtlS,
    fields: () => {
      const { framesPerSecond, messagesPerSecond, appendP99Ms } = feedMetrics.take();
      return {
        role: "feed",
        version,
        pid: process.pid,
        url: status.url,
        leases: feed.leases,
        leases_up: [...statuses.values()].filter((its) => its.status === "up").length,
        frames_appended: feedMetrics.framesAppended,
        frames_per_second: framesPerSecond,
        events_per_second: messagesPerSecond,
        append_p99_ms: appendP99Ms,
      };
    },
    now: () => clock.now(),
    log,
  });
  const rounds = await startMaintenance({
    connection: bullmq,
    queue: feedMaintenanceQueue,
    prefix: keys.bullPrefix,
    node,
    chores: {
      "list instruments": () => lists.refresh(),
      "find feeds": () => findFeeds(maintenance, queue),
      "finish orphans": () => maintenance.finishOrphans(),
    },
    log,
  });

  shutdown.step("turn unready", () => health.set("feed", "unready", "shutting down"));
  shutdown.step("take no more leases", () => feed.stopTaking());
  shutdown.step("leave upkeep", () => {
    lists.close();
    return rounds.stop();
  });
  shutdown.step("leave the list of nodes", () => heartbeat.stop());
  shutdown.step("hand the feeds over", () => feed.close(config.SHUTDOWN_MS * 0.7), 8);
  shutdown.step("leave Redis", async () => {
    stopMeasuring();
    clock.stop();
    await queue.close();
    await Promise.all([commands, publisher, bullmq].map((redis) => redis.quit()));
  });
  shutdown.step("stop answering", () => status.stop());

  health.set("feed", "ok");
  announceReady({ url: status.url, pid: process.pid });
  log.info({ url: status.url }, "taking leases");
}
