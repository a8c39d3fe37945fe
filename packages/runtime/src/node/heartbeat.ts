import { errorsLogged, type Logger } from "../observability/logger.js";
import type { RedisConnection } from "../redis/connection.js";
import { interval } from "../time/timers.js";

/** A node counts as gone this many seconds after its last heartbeat. */
export const heartbeatTtlS = 15;

/** A node whose last heartbeat is older has missed one: it may be dead, and should get no work. */
export const missedHeartbeatMs = 7000;

/** The earliest heartbeat of a node that counts as alive. `now` and the result are in ms on Redis's clock. */
export function aliveSince(now: number): number {
  return now - heartbeatTtlS * 1000;
}

export interface HeartbeatOptions {
  /** Hash of this node; expires `ttlS` seconds after its last heartbeat. */
  readonly nodeKey: string;
  /** Sorted set of all nodes, scored by their last heartbeat in ms. */
  readonly nodesKey: string;
  readonly node: string;
  /** `heartbeatTtlS` by default. */
  readonly ttlS?: number;
  /** Further fields: role, version, sockets or leases, load. Called for each heartbeat. */
  readonly fields: () => Record<string, string | number>;
  /** The cluster's clock, in ms. */
  readonly now: () => number;
  readonly log: Logger;
}

export interface Heartbeat {
  /** Ends the heartbeat and deletes the node's entries. */
  stop(): Promise<void>;
}

/** Writes a node's heartbeat at once, and then three times per TTL. */
export function startHeartbeat(redis: RedisConnection, options: HeartbeatOptions): Heartbeat {
  const { nodeKey, nodesKey, node, ttlS = heartbeatTtlS, fields, now, log } = options;
  let stopped = false;

  // Two keys are in two slots of a Redis Cluster, so this takes two calls.
  const write = async (): Promise<void> => {
    const at = Math.round(now());
    await redis
      .multi()
      .hset(nodeKey, { node, seen_ms: at, up_s: Math.round(process.uptime()), errors: errorsLogged(), ...fields() })
      .expire(nodeKey, ttlS)
      .exec();
    await redis
      .multi()
      .zadd(nodesKey, at, node)
      .zremrangebyscore(nodesKey, 0, at - ttlS * 1000)
      .exec();
  };

  let writing: Promise<void> = Promise.resolve();
  const tryToWrite = (): void => {
    if (stopped) return;
    writing = write().catch((error: unknown) => log.debug({ err: error }, "heartbeat not written"));
  };
  tryToWrite();
  const stopInterval = interval(tryToWrite, (ttlS * 1000) / 3);

  return {
    async stop() {
      stopped = true;
      stopInterval();
      await writing; // a write under way would bring the key back
      await redis.del(nodeKey);
      await redis.zrem(nodesKey, node);
    },
  };
}
