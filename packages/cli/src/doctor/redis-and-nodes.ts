import { connectRedis, createLogger, RedisNotReady, readyWithin, redactAddress } from "@tapedeck/runtime";
import { keysWith } from "@tapedeck/sessions";
import { type Finding, fail } from "./finding.js";
import { checkNodes } from "./nodes.js";
import { checkRedis } from "./redis.js";

const patienceMs = 5_000;

/** What is wrong with a Redis and the cluster on it, by its address; that it cannot be used, and why, where it cannot. */
export async function checkRedisAndNodes(url: string, prefix: string): Promise<Finding[]> {
  const log = createLogger({ service: "doctor", node: "doctor", level: "silent" });
  const redis = connectRedis({ url, purpose: "commands", name: "doctor", log });
  try {
    await readyWithin(patienceMs, redis);
    return [...(await checkRedis(redis)), ...(await checkNodes(redis, keysWith(prefix)))];
  } catch (error) {
    const where = redactAddress(url);
    const trouble = error instanceof RedisNotReady ? error.fault : undefined;
    if (trouble !== undefined)
      return [fail("redis", `${where}: ${trouble.problem} (${trouble.cause})`, trouble.remedy)];
    const why = error instanceof Error ? error.message : String(error);
    return [fail("redis", `${where} does not answer: ${why}`, "start it, or set REDIS_URL to one that runs")];
  } finally {
    redis.disconnect();
  }
}
