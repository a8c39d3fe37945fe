import { connectRedis, createLogger, RedisUnusable, usableWithin, withoutPassword } from "@tapedeck/runtime";
import { Problem } from "./problem.js";

const patienceMs = 5_000;

/** @throws Problem when nobody answers there, or it cannot be used */
export async function untilRedisAnswers(url: string): Promise<void> {
  const log = createLogger({ service: "up", node: "up", level: "silent" });
  const redis = connectRedis({ url, purpose: "commands", name: "up", log });
  try {
    await usableWithin(patienceMs, redis);
  } catch (error) {
    const shown = withoutPassword(url);
    const trouble = error instanceof RedisUnusable ? error.trouble : undefined;
    throw new Problem(
      trouble === undefined
        ? `Redis at ${shown} (REDIS_URL) does not answer: start it, or unset REDIS_URL and the cluster runs its own.`
        : `Redis at ${shown} (REDIS_URL) cannot be used: ${trouble.what} (${trouble.cause}). To mend it: ${trouble.mend}.`,
      { cause: error },
    );
  } finally {
    redis.disconnect();
  }
}
