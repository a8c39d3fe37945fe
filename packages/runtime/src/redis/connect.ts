import { type Cluster, Redis, type RedisOptions } from "ioredis";
import type { Logger } from "../observability/logger.js";
import { clusterAddress, sentinelOptions } from "./address.js";
import { currentFault, trackAvailability } from "./availability.js";
import { connectCluster } from "./connect-cluster.js";
import { shortenDeniedError } from "./denied-handshake.js";
import { reconnectWhenUnresponsive } from "./silence.js";
import { addCommandTimeout } from "./timeouts.js";

/**
 * One Redis, perhaps behind Sentinel, or a Redis Cluster. Commands are the same on both, if all their keys lie in one slot; messages
 * (`pubsub.ts`), scripts and the clock differ.
 */
export type RedisConnection = Redis | Cluster;

/**
 * What a connection is for. Each purpose has a connection of its own, since they want opposite things when Redis is away:
 * - `commands`: an answer within some seconds, also when the answer is an error; never sent twice.
 * - `publisher`: frames are worth nothing later, so nothing waits for a connection; an error comes at once.
 * - `subscriber`: waits as long as it takes, and subscribes again to all it had.
 * - `bullmq`: as BullMQ demands, which wants to wait for Redis; half a minute at most.
 */
export type RedisPurpose = "commands" | "publisher" | "subscriber" | "bullmq";

export interface ConnectOptions {
  /** `redis://`, `rediss://`, `redis+sentinel://` or `redis+cluster://`, with user, password and database where needed. */
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

/** A connection attempt that takes longer has failed. */
const connectMs = 3000;
/** Redis that has taken a command and sends nothing for this long counts as gone. BullMQ's reads wait ten seconds for what there is not. */
const silenceMs: Record<RedisPurpose, number> = { commands: 3000, publisher: 3000, subscriber: 3000, bullmq: 20_000 };
/**
 * After so long a command has failed, whatever the connection does. For a publisher nothing waits, and `subscribe` has a deadline of
 * its own.
 */
const answerMs: Partial<Record<RedisPurpose, number>> = { commands: 5000, bullmq: 30_000 };

/**
 * A connection that comes back by itself. Its errors are logged, not thrown: a command's own promise tells its caller.
 */
export function connectRedis({ url, purpose, name, log }: ConnectOptions): RedisConnection {
  const options: RedisOptions = {
    connectionName: `${name}:${purpose}`,
    connectTimeout: connectMs,
    retryStrategy: retryDelayMs,
    maxLoadingRetryTime: 1000,
    // After a failover the old master, now a replica, answers READONLY: look for the new one instead.
    reconnectOnError: (error) => error.message.startsWith("READONLY"),
    ...optionsFor[purpose],
  };
  const redis = connectTo(url, options, purpose);
  const oneServer = redis instanceof Redis && !redis.options.sentinels;
  trackAvailability(redis, { purpose, needsMaster: purpose === "commands" && oneServer, log });
  return redis;
}

function connectTo(url: string, options: RedisOptions, purpose: RedisPurpose): RedisConnection {
  const address = clusterAddress(url);
  if (address !== undefined) {
    const { enableOfflineQueue: _, ...node } = options; // the Cluster's own: a node's is for the moment until it is connected
    const [answer, silence] = [answerMs[purpose], silenceMs[purpose]];
    return connectCluster({ address, purpose, node, retryDelayMs, answerMs: answer, silenceMs: silence });
  }
  const sentinel = sentinelOptions(url);
  const redis =
    sentinel === undefined
      ? new Redis(url, options)
      : new Redis({ ...options, ...sentinel, sentinelRetryStrategy: retryDelayMs });
  shortenDeniedError(redis);
  const ms = answerMs[purpose];
  // Connected and not ready for long, it loads its data: that takes longer than anyone waits.
  const refusal = (): string | undefined => (redis.status === "connect" ? currentFault(redis)?.problem : undefined);
  if (ms !== undefined) addCommandTimeout(redis, purpose === "commands" ? { ms, refusal } : { ms });
  reconnectWhenUnresponsive(redis, silenceMs[purpose]);
  // BullMQ makes a connection like this one for each worker.
  const duplicate = redis.duplicate.bind(redis);
  redis.duplicate = (override) => {
    const copy = duplicate(override);
    if (ms !== undefined) addCommandTimeout(copy, { ms });
    reconnectWhenUnresponsive(copy, silenceMs[purpose]);
    return copy;
  };
  return redis;
}

/** 25 ms to 1 s, growing, with a full half of jitter so that a cluster does not come back in step. */
export function retryDelayMs(attempt: number): number {
  const most = Math.min(1000, 50 * 2 ** Math.min(attempt - 1, 10));
  return most / 2 + Math.random() * (most / 2);
}
