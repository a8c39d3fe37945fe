import { setTimeout as sleep } from "node:timers/promises";
import { runMain, startNode, startRedisClock, startTracing } from "@tapedeck/runtime";
import { keysWith } from "@tapedeck/sessions";
import { readVenueConfig, type VenueConfig } from "./config.js";
import { startVenue } from "./venue.js";

/** For closing what is still open after waiting and draining. */
const slackMs = 5_000;

await runMain(() => main(readVenueConfig()));

async function main(config: VenueConfig): Promise<void> {
  const node = await startNode({
    role: "venue",
    config,
    statusPort: config.STATUS_PORT,
    shutdownMs: config.UNREADY_MS + config.DRAIN_MS + slackMs,
  });
  const { log, metrics, health, guard, status, shutdown } = node;
  const stopTracing = await startTracing({ service: "venue", node: node.id, config, log });
  const keys = keysWith(config.TAPEDECK_PREFIX);
  const redis = { commands: node.redis, subscriber: node.connect("subscriber") };
  const clock = await startRedisClock(redis.commands, { log });
  const venue = await startVenue({ config, guard, log, health, metrics, redis, now: clock.now });
  const statusUrl = status && { status_url: status.url };
  const heartbeat = node.startHeartbeat({
    nodeKey: keys.node(node.id),
    nodesKey: keys.nodes,
    fields: () => ({ queues: config.TICKER_QUEUES, ...statusUrl, ...venue.fields() }),
    now: clock.now,
  });

  // A share is the time that the step may take, in seconds.
  shutdown.step("turn unready", () => node.turnUnready());
  shutdown.step("let traffic move on", () => sleep(config.UNREADY_MS), 1 + config.UNREADY_MS / 1000);
  shutdown.step("send clients away", () => venue.drain(), 1 + config.DRAIN_MS / 1000);
  shutdown.step("finish the requests under way", () => venue.stopServing(), 3);
  shutdown.step("leave the list of nodes", () => heartbeat.stop());
  shutdown.step("leave Redis", async () => {
    await venue.stop();
    clock.stop();
    await node.closeRedis();
  });
  shutdown.step("stop answering", () => status?.stop());
  shutdown.step("send the last traces", stopTracing);

  node.ready(venue.url, "serving bots");
}
