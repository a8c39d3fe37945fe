import {
  connectRedis,
  createLogger,
  type RedisConnection,
  RedisNotReady,
  readyWithin,
  redactAddress,
} from "@tapedeck/runtime";
import { keysWith } from "@tapedeck/sessions";
import { Cluster } from "ioredis";
import { type Finding, fail } from "./finding.js";
import { checkNodes } from "./nodes.js";
import { checkRedisCluster } from "./redis-cluster.js";
import { checkRedisServer, infoOf } from "./redis-server.js";

const timeoutMs = 5_000;

/** Checks a Redis by its address, and the nodes that use it. If it cannot be used, the only finding says why. */
export async function checkRedisAndNodes(url: string, prefix: string): Promise<Finding[]> {
  const log = createLogger({ service: "doctor", node: "doctor", level: "silent" });
  const redis = connectRedis({ url, purpose: "commands", name: "doctor", log });
  try {
    await readyWithin(timeoutMs, redis);
    return [...(await checkRedis(redis)), ...(await checkNodes(redis, keysWith(prefix)))];
  } catch (error) {
    const address = redactAddress(url);
    const fault = error instanceof RedisNotReady ? error.fault : undefined;
    if (fault !== undefined) return [fail("redis", `${address}: ${fault.problem} (${fault.cause})`, fault.remedy)];
    const reason = error instanceof Error ? error.message : String(error);
    return [
      fail("redis", `${address} does not answer: ${reason}`, "start it, or set REDIS_URL to a Redis that is running"),
    ];
  } finally {
    redis.disconnect();
  }
}

/** Checks that Redis is suitable for sessions. Rejects if it does not answer. */
export async function checkRedis(redis: RedisConnection): Promise<Finding[]> {
  if (redis instanceof Cluster) return await checkRedisCluster(redis);
  const findings = await checkRedisServer(redis);
  if ((await infoOf(redis)).get("cluster_enabled") !== "1") return findings;
  const mend = "set REDIS_URL to redis+cluster://HOST:PORT,HOST:PORT with some of its nodes";
  return [
    fail("redis cluster", "this is a single node of a Redis Cluster: it refuses the keys of other nodes", mend),
    ...findings,
  ];
}
