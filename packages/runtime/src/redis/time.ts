import { Cluster, type Redis } from "ioredis";
import type { RedisConnection } from "./connect.js";

/** Redis's time in ms since 1970, with fractions. On a Cluster all nodes ask the same master, so that they have one clock. */
export async function redisTime(redis: RedisConnection): Promise<number> {
  const [second, micro] = await (redis instanceof Cluster ? timeKeeper(redis) : redis).time();
  return Number(second) * 1000 + Number(micro) / 1000;
}

/** The master that has the first slot; while it is away, any. */
function timeKeeper(cluster: Cluster): Redis | Cluster {
  const first = cluster.slots[0]?.[0];
  return cluster.nodes("master").find(({ options }) => `${options.host}:${options.port}` === first) ?? cluster;
}
