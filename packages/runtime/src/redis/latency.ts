import type { Metrics } from "../observability/metrics.js";
import { interval } from "../time/timers.js";
import type { RedisConnection } from "./connection.js";

const everyMs = 1000;

/** Measures the round trip of this connection once a second. Returns the function that stops it. */
export function measureRedisLatency(redis: RedisConnection, metrics: Metrics): () => void {
  const roundTrip = metrics.latencyHistogram({
    name: "tapedeck_redis_round_trip_seconds",
    help: "Round-trip time of a PING to Redis, measured once a second",
  });
  metrics.observeGauge({
    name: "tapedeck_redis_connected",
    help: "Whether this node has a connection to Redis: 1 or 0",
    read: () => (redis.status === "ready" ? 1 : 0),
  });
  let pinging = false;
  const ping = async (): Promise<void> => {
    if (pinging || redis.status !== "ready") return;
    pinging = true;
    const since = performance.now();
    try {
      await redis.ping();
      roundTrip.observe(performance.now() - since);
    } catch {
      // The connection logs its own errors, and `tapedeck_redis_connected` shows the outage.
    } finally {
      pinging = false;
    }
  };
  return interval(() => void ping(), everyMs);
}
