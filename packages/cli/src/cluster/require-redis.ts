import { connectRedis, createLogger, RedisNotReady, readyWithin, redactAddress } from "@tapedeck/runtime";
import { UserError } from "../user-error.js";

const patienceMs = 5_000;

/** @throws Problem when nobody answers there, or it cannot be used */
export async function requireRedis(url: string): Promise<void> {
  const log = createLogger({ service: "up", node: "up", level: "silent" });
  const redis = connectRedis({ url, purpose: "commands", name: "up", log });
  try {
    await readyWithin(patienceMs, redis);
  } catch (error) {
    const shown = redactAddress(url);
    const trouble = error instanceof RedisNotReady ? error.fault : undefined;
    throw new UserError(
      trouble === undefined
        ? `Redis at ${shown} (REDIS_URL) does not answer: start it, or unset REDIS_URL and the cluster runs its own.`
        : `Redis at ${shown} (REDIS_URL) cannot be used: ${trouble.problem} (${trouble.cause}). To mend it: ${trouble.remedy}.`,
      { cause: error },
    );
  } finally {
    redis.disconnect();
  }
}
