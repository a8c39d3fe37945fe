import { connectRedis, createLogger, RedisUnusable, usableWithin, withoutPassword } from "@tapedeck/runtime";
import { keysWith } from "@tapedeck/sessions";
import { type Finding, fail } from "./finding.js";
import { lookAtCluster } from "./look-at-cluster.js";
import { lookAtRedis } from "./look-at-redis.js";

const patienceMs = 5_000;

/** What is wrong with a Redis and the cluster on it, by its address; that it cannot be used, and why, where it cannot. */
export async function lookOnRedis(url: string, prefix: string): Promise<Finding[]> {
  const log = createLogger({ service: "doctor", node: "doctor", level: "silent" });
  const redis = connectRedis({ url, purpose: "commands", name: "doctor", log });
  try {
    await usableWithin(patienceMs, redis);
    return [...(await lookAtRedis(redis)), ...(await lookAtCluster(redis, keysWith(prefix)))];
  } catch (error) {
    const where = withoutPassword(url);
    const trouble = error instanceof RedisUnusable ? error.trouble : undefined;
    if (trouble !== undefined) return [fail("redis", `${where}: ${trouble.what} (${trouble.cause})`, trouble.mend)];
    const why = error instanceof Error ? error.message : String(error);
    return [fail("redis", `${where} does not answer: ${why}`, "start it, or set REDIS_URL to one that runs")];
  } finally {
    redis.disconnect();
  }
}
