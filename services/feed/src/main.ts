import { startMaintenance } from "@tapedeck/leases";
import { FeedQueue, feedMaintenanceQueue, LiveMaintenance, LiveTapeWriter } from "@tapedeck/live";
import { analyticsVersion } from "@tapedeck/market";
import type { FeedStatus } from "@tapedeck/protocol";
import { runMain, startNode, startRedisClock, untilReady } from "@tapedeck/runtime";
import { keysWith } from "@tapedeck/sessions";
import { awaitTapeStore, openTapeStore } from "@tapedeck/tape";
import { type FeedConfig, readFeedConfig, tapeSettings, venueSettings } from "./config.js";
import { FeedWorker } from "./feed-worker.js";
import { InstrumentLists } from "./instrument-lists.js";
import { createFeedMetrics } from "./metrics.js";
import { createVenues } from "./venues/venues.js";

await runMain(() => main(readFeedConfig()));

async function main(config: FeedConfig): Promise<void> {
  const node = await startNode({
    role: "feed",
    config,
    statusPort: config.PORT,
    shutdownMs: config.SHUTDOWN_MS,
  });
  const { log, metrics, health, redis: commands, shutdown } = node;
  const keys = keysWith(config.TAPEDECK_PREFIX);
  const publisher = node.connect("publisher");
  const bullmq = node.connect("bullmq");
  const clock = await startRedisClock(commands, { log });
  await Promise.all([publisher, bullmq].map(untilReady));
  const store = await openTapeStore(config.TAPEDECK_STORE, config.S3_ENDPOINT, { mustExist: true });
  // What a market has on its tape decides where a feed goes on.
  await awaitTapeStore(store, config.TAPEDECK_STORE, { health, log }).readable;
  const maintenance = new LiveMaintenance({ redis: commands, keys, store, log, keepSeconds: config.LIVE_KEEP_S });
  const queue = new FeedQueue({ redis: commands, keys });

  const venues = createVenues(venueSettings(config));
  const lists = new InstrumentLists({ venues, maintenance, log });
  const statuses = new Map<string, FeedStatus>();
  const feedMetrics = createFeedMetrics(metrics, () => statuses.values());
  const feed = await FeedWorker.start({
    node: node.id,
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
        node: node.id,
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
  const url = node.status?.url ?? "";
  const heartbeat = node.startHeartbeat({
    nodeKey: keys.node(node.id),
    nodesKey: keys.nodes,
    fields: () => {
      const { framesPerSecond, messagesPerSecond, appendP99Ms } = feedMetrics.take();
      return {
        url,
        leases: feed.leases,
        leases_up: [...statuses.values()].filter((its) => its.status === "up").length,
        frames_appended: feedMetrics.framesAppended,
        frames_per_second: framesPerSecond,
        events_per_second: messagesPerSecond,
        append_p99_ms: appendP99Ms,
      };
    },
    now: () => clock.now(),
  });
  const rounds = await startMaintenance({
    connection: bullmq,
    queue: feedMaintenanceQueue,
    prefix: keys.bullPrefix,
    node: node.id,
    chores: {
      "list instruments": () => lists.refresh(),
      "find feeds": () => maintenance.requestWorkers(queue),
      "finish orphans": async () => maintenance.startFinishing(),
    },
    log,
  });

  shutdown.step("turn unready", () => node.turnUnready());
  shutdown.step("take no more leases", () => feed.stopTaking());
  shutdown.step("leave upkeep", () => {
    lists.close();
    return rounds.stop();
  });
  shutdown.step("leave the list of nodes", () => heartbeat.stop());
  shutdown.step("hand the feeds over", () => feed.close(config.SHUTDOWN_MS * 0.7), 8);
  shutdown.step("leave Redis", async () => {
    clock.stop();
    await queue.close();
    await node.closeRedis();
  });
  shutdown.step("stop answering", () => node.status?.stop());

  node.ready(url, "accepting leases");
}
