import { setTimeout as sleep } from "node:timers/promises";
import { runMain, startNode, startRedisClock, startTracing } from "@tapedeck/runtime";
import { keysWith } from "@tapedeck/sessions";
import { type GatewayConfig, readGatewayConfig } from "./config.js";
import { startGateway } from "./gateway.js";
import { chooseServer } from "./server/choose-server.js";

/** For closing what is still open after waiting and draining. */
const slackMs = 5_000;

await runMain(() => main(readGatewayConfig()));

async function main(config: GatewayConfig): Promise<void> {
  const node = await startNode({
    role: "gateway",
    config,
    statusPort: config.STATUS_PORT,
    shutdownMs: config.UNREADY_MS + config.DRAIN_MS + slackMs,
  });
  const { log, metrics, health, guard, status, shutdown } = node;
  const startServer = chooseServer({
    production: config.NODE_ENV === "production",
    allowSlow: config.ALLOW_SLOW_UWS,
    uws: { allowUnknown: config.ALLOW_UNKNOWN_UWS },
    log,
  });
  const stopTracing = await startTracing({ service: "gateway", node: node.id, config, log });
  const keys = keysWith(config.TAPEDECK_PREFIX);
  const redis = {
    commands: node.redis,
    publisher: node.connect("publisher"),
    subscriber: node.connect("subscriber"),
  };
  const clock = await startRedisClock(redis.commands, { log });
  const gateway = await startGateway({ config, guard, log, health, metrics, startServer, redis, now: clock.now });
  const statusUrl = status && { status_url: status.url };
  const heartbeat = node.startHeartbeat({
    nodeKey: keys.node(node.id),
    nodesKey: keys.nodes,
    fields: () => ({
      server: startServer.server,
      queues: config.TICKER_QUEUES,
      ...statusUrl,
      ...gateway.fields(),
    }),
    now: clock.now,
  });

  // A share is the time that the step may take, in seconds.
  shutdown.step("turn unready", () => node.turnUnready());
  shutdown.step("let traffic move on", () => sleep(config.UNREADY_MS), 1 + config.UNREADY_MS / 1000);
  shutdown.step("take no more sockets", () => gateway.stopAccepting());
  shutdown.step("send viewers away", () => gateway.drain(), 1 + config.DRAIN_MS / 1000);
  shutdown.step("leave the list of nodes", () => heartbeat.stop());
  shutdown.step("leave Redis", async () => {
    await gateway.stop();
    clock.stop();
    await node.closeRedis();
  });
  shutdown.step("stop answering", () => status?.stop());
  shutdown.step("send the last traces", stopTracing);

  node.ready(gateway.url, "accepting sockets");
}
