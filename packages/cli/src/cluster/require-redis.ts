import { connectRedis, createLogger, RedisNotReady, readyWithin, redactAddress } from "@tapedeck/runtime";
import { UserError } from "../user-error.js";

const timeoutMs = 5_000;

/** @throws UserError if Redis does not answer or cannot be used */
export async function requireRedis(url: string): Promise<void> {
  const log = createLogger({ service: "up", node: "up", level: "silent" });
  const redis = connectRedis({ url, purpose: "commands", name: "up", log });
  try {
    await readyWithin(timeoutMs, redis);
  } catch (error) {
    const address = redactAddress(url);
    const fault = error instanceof RedisNotReady ? error.fault : undefined;
    throw new UserError(
      fault === undefined
        ? `Redis at ${address} (REDIS_URL) does not answer: start it, or unset REDIS_URL so that the cluster runs its own.`
        : `Redis at ${address} (REDIS_URL) cannot be used: ${fault.problem} (${fault.cause}). To fix it: ${fault.remedy}.`,
      { cause: error },
    );
  } finally {
    redis.disconnect();
  }
}
