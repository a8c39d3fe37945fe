import { setTimeout as sleep } from "node:timers/promises";
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
  RequestGuard,
  reportRedisHealth,
  startHeartbeat,
  startRedisClock,
  startStatusServer,
  startTracing,
  version,
} from "@tapedeck/runtime";
import { keysWith } from "@tapedeck/sessions";
import { type GatewayConfig, readGatewayConfig } from "./config.js";
import { startGateway } from "./gateway.js";
import { chooseServer, NoNativeServer } from "./server/choose-server.js";
import { ListenError } from "./server/server.js";

/** Beyond waiting and draining: for closing what is open. */
const slackMs = 5_000;

try {
  await main(readGatewayConfig());
} catch (error) {
  const told = error instanceof ConfigError || error instanceof NoNativeServer || error instanceof ListenError;
  if (!told) throw error;
  process.stderr.write(`${printableLines(error.message)}\n`);
  process.exit(1); // connections to Redis would keep it alive
}

async function main(config: GatewayConfig): Promise<void> {
  const node = config.NODE_ID;
  const log = createLogger({ service: "gateway", node, level: config.LOG_LEVEL });
  const startServer = chooseServer({
    production: config.NODE_ENV === "production",
    allowSlow: config.ALLOW_SLOW_UWS,
    uws: { allowUnknown: config.ALLOW_UNKNOWN_UWS },
    log,
  });
  const shutdown = createShutdown({ log, budgetMs: config.UNREADY_MS + config.DRAIN_MS + slackMs });
  const stopTracing = await startTracing({ service: "gateway", node, config, log });
  const health = createHealth();
  health.set("gateway", "unready", "starting");
  const metrics = createMetrics("gateway", node);
  const { HOST: host, STATUS_PORT: statusPort } = config;
  const guard = new RequestGuard(config);
  const status =
    statusPort === undefined ? undefined : await startStatusServer({ host, port: statusPort, health, metrics, guard });
  const connect = (purpose: "commands" | "publisher" | "subscriber") =>
    connectRedis({ url: config.REDIS_URL, purpose, name: node, log });
  const redis = {
    commands: connect("commands"),
    publisher: connect("publisher"),
    subscriber: connect("subscriber"),
  };
  reportRedisHealth(redis.commands, health);
  const clock = await startRedisClock(redis.commands, { log });
  const stopWatching = measureRedisLatency(redis.commands, metrics);
  const gateway = await startGateway({ config, guard, log, health, metrics, startServer, redis, now: clock.now });
  const keys = keysWith(config.TAPEDECK_PREFIX);
  const statusUrl = status && { status_url: status.url };
  const heartbeat = startHeartbeat(redis.commands, {
    nodeKey: keys.node(node),
    nodesKey: keys.nodes,
    node,
    fields: () => ({
      version,
      pid: process.pid,
      server: startServer.server,
      queues: config.TICKER_QUEUES,
      ...statusUrl,
      ...gateway.fields(),
    }),
    now: clock.now,
    log,
  });

  // Shares of the budget: what is waited for, in seconds.
  shutdown.step("turn unready", () => health.set("gateway", "unready", "shutting down"));
  shutdown.step("let traffic move on", () => sleep(config.UNREADY_MS), 1 + config.UNREADY_MS / 1000);
  shutdown.step("take no more sockets", () => gateway.stopAccepting());
  shutdown.step("send viewers away", () => gateway.drain(), 1 + config.DRAIN_MS / 1000);
  shutdown.step("leave the list of nodes", () => heartbeat.stop());
  shutdown.step("leave Redis", async () => {
    await gateway.stop();
    stopWatching();
    clock.stop();
    await Promise.all(Object.values(redis).map((connection) => connection.quit()));
  });
  shutdown.step("stop answering", () => status?.stop());
  shutdown.step("send the last traces", stopTracing);

  health.set("gateway", "ok");
  announceReady({ url: gateway.url, pid: process.pid });
  log.info({ url: gateway.url }, "taking sockets");
}
