import type { RedisConnection } from "@tapedeck/runtime";
import { Cluster } from "ioredis";
import { type Finding, fail } from "./finding.js";
import { lookAtRedisCluster } from "./look-at-redis-cluster.js";
import { infoOf, lookAtServer } from "./look-at-redis-server.js";

/** Whether Redis is one that sessions can live on. Rejects where it does not answer. */
export async function lookAtRedis(redis: RedisConnection): Promise<Finding[]> {
  if (redis instanceof Cluster) return await lookAtRedisCluster(redis);
  const findings = await lookAtServer(redis);
  if ((await infoOf(redis)).get("cluster_enabled") !== "1") return findings;
  const mend = "set REDIS_URL to redis+cluster://HOST:PORT,HOST:PORT with some of its nodes";
  return [
    fail("redis cluster", "this is one node of a Redis Cluster: it refuses the keys of the others", mend),
    ...findings,
  ];
}
