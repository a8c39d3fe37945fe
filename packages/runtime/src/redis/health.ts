import type { Health } from "../node/health.js";
import { onAvailabilityChange, unavailableReason } from "./availability.js";
import type { RedisConnection } from "./connect.js";

/**
 * Keeps the part `redis` of a node's health. Until Redis could be used for the first time the node is unready: it can do nothing yet.
 * Later its absence is degraded: no other replica would do better.
 */
export function reportRedisHealth(redis: RedisConnection, health: Health): void {
  let used = false;
  const look = (): void => {
    const why = unavailableReason(redis);
    if (why === undefined) {
      used = true;
      health.set("redis", "ok");
    } else health.set("redis", used ? "degraded" : "unready", `${why}; commands are refused until it can be used`);
  };
  onAvailabilityChange(redis, look);
  look();
}
