import type { RedisConnection } from "@tapedeck/runtime";
import { Cluster } from "ioredis";
import { type Finding, fail } from "./finding.js";
import { checkRedisCluster } from "./redis-cluster.js";
import { checkRedisServer, infoOf } from "./redis-server.js";

/** Whether Redis is one that sessions can live on. Rejects where it does not answer. */
export async function checkRedis(redis: RedisConnection): Promise<Finding[]> {
  if (redis instanceof Cluster) return await checkRedisCluster(redis);
  const findings = await checkRedisServer(redis);
  if ((await infoOf(redis)).get("cluster_enabled") !== "1") return findings;
  const mend = "set REDIS_URL to redis+cluster://HOST:PORT,HOST:PORT with some of its nodes";
  return [
    fail("redis cluster", "this is one node of a Redis Cluster: it refuses the keys of the others", mend),
    ...findings,
  ];
}
