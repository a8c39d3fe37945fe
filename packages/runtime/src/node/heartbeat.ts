import { errorsLogged, type Logger } from "../observability/logger.js";
import type { RedisConnection } from "../redis/connect.js";
import { interval } from "../time/interval.js";

/** Seconds after its last beat that a node counts as gone. */
export const heartbeatTtlS = 15;

export interface HeartbeatOptions {
  /** Hash of this node, gone `ttlS` seconds after its last beat. */
  readonly nodeKey: string;
  /** Sorted set of all nodes, scored by their last beat in ms. */
  readonly nodesKey: string;
  readonly node: string;
  readonly ttlS?: number;
  /** What to tell beside its errors: role, version, sockets or leases, load. Called at each beat. */
  readonly fields: () => Record<string, string | number>;
  /** The cluster's clock. */
  readonly now: () => number;
  readonly log: Logger;
}

/** Writes a node's heartbeat three times per TTL, first at once; `stop()` takes it back. */
export function startHeartbeat(redis: RedisConnection, options: HeartbeatOptions): { stop(): Promise<void> } {
  const { nodeKey, nodesKey, node, ttlS = heartbeatTtlS, fields, now, log } = options;
  let stopped = false;

  // Two keys, two slots of a Redis Cluster: two calls.
  const beat = async (): Promise<void> => {
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

  let beating: Promise<void> = Promise.resolve();
  const beatQuietly = (): void => {
    if (stopped) return;
    beating = beat().catch((error: unknown) => log.debug({ err: error }, "heartbeat not written"));
  };
  beatQuietly();
  const stopBeating = interval(beatQuietly, (ttlS * 1000) / 3);

  return {
    async stop() {
      stopped = true;
      stopBeating();
      await beating; // a beat under way would bring the key back
      await redis.del(nodeKey);
      await redis.zrem(nodesKey, node);
    },
  };
}
