import { connectRedis, createLogger } from "@tapedeck/runtime";
import { Problem } from "./problem.js";

/** @throws Problem when nobody answers there */
export async function untilRedisAnswers(url: string): Promise<void> {
  const log = createLogger({ service: "up", node: "up", level: "silent" });
  const redis = connectRedis({ url, purpose: "commands", name: "up", log });
  try {
    await redis.ping();
  } catch (error) {
    const shown = url.replace(/\/\/[^@/]*@/, "//***@");
    throw new Problem(
      `Redis at ${shown} (REDIS_URL) does not answer: start it, or unset REDIS_URL and the cluster runs its own.`,
      { cause: error },
    );
  } finally {
    redis.disconnect();
  }
}
