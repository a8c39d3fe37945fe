import { Redis, type RedisOptions } from "ioredis";
import type { Logger } from "../observability/logger.js";
import { backoffMs } from "../time/timers.js";
import { clusterAddress, sentinelOptions } from "./address.js";
import { currentFault, trackAvailability } from "./availability.js";
import { connectCluster } from "./connect-cluster.js";
import type { RedisConnection, RedisPurpose } from "./connection.js";
import { shortenDeniedError } from "./faults.js";
import { followSentinels } from "./sentinel-watch.js";
import { addCommandTimeout, reconnectWhenUnresponsive } from "./timeouts.js";

interface ConnectOptions {
  /** `redis://`, `rediss://`, `redis+sentinel://` or `redis+cluster://`, with user, password and database if needed. */
  readonly url: string;
  readonly purpose: RedisPurpose;
  /** The node's id; `CLIENT LIST` shows `{name}:{purpose}`. */
  readonly name: string;
  readonly log: Logger;
}

const optionsFor: Record<RedisPurpose, RedisOptions> = {
  commands: { maxRetriesPerRequest: 0, autoResendUnfulfilledCommands: false },
  publisher: { enableOfflineQueue: false, maxRetriesPerRequest: 0, autoResendUnfulfilledCommands: false },
  subscriber: { maxRetriesPerRequest: null },
  bullmq: { maxRetriesPerRequest: null },
};

const connectMs = 3000;
/** A connection is replaced if Redis has received a command and sends nothing for this long. BullMQ's blocking reads take ten seconds. */
const silenceMs: Record<RedisPurpose, number> = { commands: 3000, publisher: 3000, subscriber: 3000, bullmq: 20_000 };
/** A command fails after this time, whatever its connection does. A publisher queues nothing, and `subscribe` has its own timeout. */
const commandMs: Partial<Record<RedisPurpose, number>> = { commands: 5000, bullmq: 30_000 };

/** A connection that reconnects by itself. Its errors are logged, not thrown: each command rejects its own promise. */
export function connectRedis({ url, purpose, name, log }: ConnectOptions): RedisConnection {
  const options: RedisOptions = {
    connectionName: `${name}:${purpose}`,
    connectTimeout: connectMs,
    retryStrategy: retryDelayMs,
    maxLoadingRetryTime: 1000,
    // After a failover the old master is a replica and answers READONLY: reconnect to find the new one.
    reconnectOnError: (error) => error.message.startsWith("READONLY"),
    ...optionsFor[purpose],
  };
  const redis = connectTo(url, options, purpose, log);
  const singleServer = redis instanceof Redis && !redis.options.sentinels;
  trackAvailability(redis, { purpose, needsMaster: purpose === "commands" && singleServer, log });
  return redis;
}

function connectTo(url: string, options: RedisOptions, purpose: RedisPurpose, log: Logger): RedisConnection {
  const timeouts = { commandMs: commandMs[purpose], silenceMs: silenceMs[purpose] };
  const address = clusterAddress(url);
  if (address !== undefined) {
    // The offline queue of the Cluster decides; those of its nodes only cover the moment until each is connected.
    const { enableOfflineQueue: _, ...node } = options;
    return connectCluster({ address, purpose, node, retryDelayMs, ...timeouts, log });
  }
  const sentinel = sentinelOptions(url);
  const redis =
    sentinel === undefined
      ? new Redis(url, options)
      : new Redis({ ...options, ...sentinel, sentinelRetryStrategy: retryDelayMs });
  shortenDeniedError(redis);
  const { commandMs: ms } = timeouts;
  // A connection that stays connected without becoming ready is loading its data, which takes longer than callers wait.
  const refusal = (): string | undefined => (redis.status === "connect" ? currentFault(redis)?.problem : undefined);
  if (ms !== undefined) addCommandTimeout(redis, purpose === "commands" ? { ms, refusal } : { ms });
  reconnectWhenUnresponsive(redis, timeouts.silenceMs);
  if (sentinel !== undefined) followSentinels(redis, { sentinels: sentinel, retryDelayMs, log });
  // BullMQ duplicates its connection for each worker.
  const duplicate = redis.duplicate.bind(redis);
  redis.duplicate = (override) => {
    const copy = duplicate(override);
    if (ms !== undefined) addCommandTimeout(copy, { ms });
    reconnectWhenUnresponsive(copy, timeouts.silenceMs);
    if (sentinel !== undefined) followSentinels(copy, { sentinels: sentinel, retryDelayMs, log });
    return copy;
  };
  return redis;
}

/** 25 ms to 1 s, growing, half of it jitter, so that a cluster does not reconnect in step. */
export function retryDelayMs(attempt: number): number {
  return backoffMs(attempt, { firstMs: 50, maxMs: 1000, jitter: 0.5 });
}
