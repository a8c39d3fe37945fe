import type { Health } from "./health.js";
import type { RedisConnection } from "./redis.js";
import { onStateChange, whyAway } from "./redis-state.js";

/**
 * Keeps the part `redis` of a node's health. Until Redis could be used for the first time the node is unready: it can do nothing yet.
 * Later its absence is degraded: no other replica would do better.
 */
export function watchRedis(redis: RedisConnection, health: Health): void {
  let used = false;
  const look = (): void => {
    const why = whyAway(redis);
    if (why === undefined) {
      used = true;
      health.set("redis", "ok");
    } else health.set("redis", used ? "degraded" : "unready", `${why}; commands are refused until it can be used`);
  };
  onStateChange(redis, look);
  look();
}
