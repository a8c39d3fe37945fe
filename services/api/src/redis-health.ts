import type { EventEmitter } from "node:events";
import type { Health } from "@tapedeck/runtime";
import type { Api } from "./api.js";

/** Redis's absence is degraded, not unready: no other replica would do better. */
export function watchRedis(redis: Api["redis"], health: Health): void {
  const away = () => health.set("redis", "degraded", "no connection; commands are refused until it is back");
  if (redis.status !== "ready") away();
  const events: EventEmitter = redis;
  events.on("ready", () => health.set("redis", "ok"));
  events.on("close", away);
}
