import type { EventEmitter } from "node:events";
import { type Cluster, Redis, type RedisOptions } from "ioredis";
import type { Logger } from "./logger.js";
import { clusterAddress, sentinelOptions } from "./redis-address.js";
import { connectCluster } from "./redis-cluster.js";

/**
 * One Redis, perhaps behind Sentinel, or a Redis Cluster. Commands are the same on both, if all their keys lie in one slot; messages
 * (`pubsub.ts`), scripts and the clock differ.
 */
export type RedisConnection = Redis | Cluster;

/**
 * What a connection is for. Each purpose has a connection of its own, since they want opposite things when Redis is away:
 * - `commands`: an answer within about three seconds, also when the answer is an error; never sent twice.
 * - `publisher`: frames are worth nothing later, so nothing waits for a connection; an error comes at once.
 * - `subscriber`: waits as long as it takes, and subscribes again to all it had.
 * - `bullmq`: as BullMQ demands, whose blocking reads wait for ever.
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

/** Redis that has taken a command and sends nothing for this long counts as gone. */
const silenceMs = 3000;

const optionsFor: Record<RedisPurpose, RedisOptions> = {
  commands: { maxRetriesPerRequest: 0, autoResendUnfulfilledCommands: false, socketTimeout: silenceMs },
  publisher: {
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    socketTimeout: silenceMs,
  },
  subscriber: { maxRetriesPerRequest: null },
  bullmq: { maxRetriesPerRequest: null },
};

/**
 * A connection that comes back by itself. Its errors are logged, not thrown: a command's own promise tells its caller.
 */
export function connectRedis({ url, purpose, name, log }: ConnectOptions): RedisConnection {
  const options: RedisOptions = {
    connectionName: `${name}:${purpose}`,
    connectTimeout: silenceMs,
    retryStrategy: retryDelayMs,
    // After a failover the old master, now a replica, answers READONLY: look for the new one instead.
    reconnectOnError: (error) => error.message.startsWith("READONLY"),
    ...optionsFor[purpose],
  };
  const redis = connectTo(url, options, purpose);
  reportTrouble(redis, log.child({ redis: purpose }));
  return redis;
}

function connectTo(url: string, options: RedisOptions, purpose: RedisPurpose): RedisConnection {
  const address = clusterAddress(url);
  if (address !== undefined) {
    const { enableOfflineQueue: _, ...node } = options; // the Cluster's own: a node's is for the moment until it is connected
    return connectCluster({ address, purpose, node, retryDelayMs });
  }
  const sentinel = sentinelOptions(url);
  if (sentinel === undefined) return new Redis(url, options);
  return new Redis({ ...options, ...sentinel, sentinelRetryStrategy: retryDelayMs });
}

/** 25 ms to 1 s, growing, with a full half of jitter so that a cluster does not come back in step. */
export function retryDelayMs(attempt: number): number {
  const most = Math.min(1000, 50 * 2 ** Math.min(attempt - 1, 10));
  return most / 2 + Math.random() * (most / 2);
}

/** Resolves when the connection is usable, at once if it is already. */
export async function untilReady(redis: RedisConnection): Promise<void> {
  if (redis.status === "ready") return;
  const events: EventEmitter = redis;
  await new Promise<void>((resolve) => events.once("ready", resolve));
}

/** While Redis is away each attempt fails; the log gets the first error, then one line in ten seconds. */
function reportTrouble(redis: RedisConnection, log: Logger): void {
  const quietMs = 10_000;
  let toldAt = Number.NEGATIVE_INFINITY;
  let untold = 0;
  let away = false;
  const tell = (error: Error, of: Record<string, string>, sentence: string): void => {
    const now = performance.now();
    if (now - toldAt < quietMs) {
      untold++;
      return;
    }
    log.warn({ err: { message: error.message, code: codeOf(error) }, ...of, untold }, sentence);
    toldAt = now;
    untold = 0;
  };
  const events: EventEmitter = redis;
  events.on("error", (error: Error) => {
    away = true;
    tell(error, {}, "no connection to Redis, retrying");
  });
  events.on("ready", () => {
    if (away) log.info("connected to Redis again");
    away = false;
    toldAt = Number.NEGATIVE_INFINITY;
  });
  events.on("node error", (error: Error, of: string) =>
    tell(error, { of }, "trouble with a node of the Redis Cluster"),
  );
}

function codeOf(error: Error): unknown {
  return "code" in error ? error.code : undefined;
}
