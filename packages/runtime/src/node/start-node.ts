import type { z } from "zod";
import { RequestGuard } from "../http/request-guard.js";
import { type StatusServer, startStatusServer } from "../http/status-server.js";
import { createLogger, type Logger } from "../observability/logger.js";
import { createMetrics, type Metrics } from "../observability/metrics.js";
import { printableLines } from "../observability/safe-text.js";
import { reportRedisHealth } from "../redis/availability.js";
import { connectRedis } from "../redis/connect.js";
import type { RedisConnection, RedisPurpose } from "../redis/connection.js";
import { measureRedisLatency } from "../redis/latency.js";
import { version } from "../version.js";
import { StartupError } from "./config.js";
import { createHealth, type Health } from "./health.js";
import { type Heartbeat, type HeartbeatOptions, startHeartbeat } from "./heartbeat.js";
import { announceReady } from "./parent-process.js";
import type { commonEnv } from "./settings.js";
import { createShutdown, type Shutdown } from "./shutdown.js";

interface NodeOptions {
  readonly role: "api" | "gateway" | "ticker" | "feed" | "venue";
  readonly config: z.output<z.ZodObject<typeof commonEnv>>;
  /** Port that answers health and metrics without authentication; undefined for none. */
  readonly statusPort: number | undefined;
  /** Time for all shutdown steps together, in ms. */
  readonly shutdownMs: number;
}

/** What the processes of all services have in common. Each `main` adds its own parts, and lists its shutdown steps in order. */
export interface ServiceNode {
  readonly id: string;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** The part named after the role is unready until `ready` is called. */
  readonly health: Health;
  readonly guard: RequestGuard;
  readonly status: StatusServer | undefined;
  /** The connection for commands. */
  readonly redis: RedisConnection;
  readonly shutdown: Shutdown;
  /** Opens one more connection; `closeRedis` closes it. */
  connect(purpose: RedisPurpose): RedisConnection;
  /** Starts the heartbeat, with the fields that all nodes have and those of the service. */
  startHeartbeat(options: Pick<HeartbeatOptions, "nodeKey" | "nodesKey" | "fields" | "now">): Heartbeat;
  /** Reports in health, to the parent process and in the log that the node serves. */
  ready(url: string, message: string, fields?: object): void;
  /** From now on readiness fails. */
  turnUnready(): void;
  closeRedis(): Promise<void>;
}

/** Starts what a node of any role needs. Redis may still be away when this resolves. */
export async function startNode({ role, config, statusPort, shutdownMs }: NodeOptions): Promise<ServiceNode> {
  const { NODE_ID: id, HOST: host } = config;
  const log = createLogger({ service: role, node: id, level: config.LOG_LEVEL });
  const shutdown = createShutdown({ log, budgetMs: shutdownMs });
  const metrics = createMetrics(role, id);
  const health = createHealth();
  health.set(role, "unready", "starting");
  const guard = new RequestGuard(config);
  const status =
    statusPort === undefined ? undefined : await startStatusServer({ host, port: statusPort, health, metrics, guard });

  const connections: RedisConnection[] = [];
  const connect = (purpose: RedisPurpose): RedisConnection => {
    const connection = connectRedis({ url: config.REDIS_URL, purpose, name: id, log });
    connections.push(connection);
    return connection;
  };
  const redis = connect("commands");
  reportRedisHealth(redis, health);
  const stopMeasuring = measureRedisLatency(redis, metrics);

  return {
    ...{ id, log, metrics, health, guard, status, redis, shutdown, connect },
    startHeartbeat: ({ fields, ...rest }) =>
      startHeartbeat(redis, {
        ...rest,
        node: id,
        fields: () => ({ role, version, pid: process.pid, ...fields() }),
        log,
      }),
    ready(url, message, fields = {}) {
      health.set(role, "ok");
      announceReady({ url, pid: process.pid });
      log.info({ url, ...fields }, message);
    },
    turnUnready: () => health.set(role, "unready", "shutting down"),
    async closeRedis() {
      stopMeasuring();
      await Promise.all(connections.map((connection) => connection.quit()));
    },
  };
}

/** Runs a service's `main`. If the service cannot start, the reason goes to stderr as plain text; any other error is a defect and keeps its stack. */
export async function runMain(main: () => Promise<void>): Promise<void> {
  try {
    await main();
  } catch (error) {
    if (!(error instanceof StartupError)) throw error;
    process.stderr.write(`${printableLines(error.message)}\n`);
    process.exit(1); // open connections and servers would keep the process alive
  }
}
