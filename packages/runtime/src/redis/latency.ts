import type { Metrics } from "../observability/metrics.js";
import { interval } from "../time/interval.js";
import type { RedisConnection } from "./connect.js";

const everyMs = 1000;

/** Measures once a second how long Redis takes to answer this connection. Returns what ends it. */
export function measureRedisLatency(redis: RedisConnection, metrics: Metrics): () => void {
  const roundTrip = metrics.latencyHistogram({
    name: "tapedeck_redis_round_trip_seconds",
    help: "Time until Redis answers a PING, asked once a second",
  });
  metrics.observeGauge({
    name: "tapedeck_redis_connected",
    help: "Whether this node has a connection to Redis: 1 or 0",
    read: () => (redis.status === "ready" ? 1 : 0),
  });
  let asking = false;
  const ask = async (): Promise<void> => {
    if (asking || redis.status !== "ready") return;
    asking = true;
    const since = performance.now();
    try {
      await redis.ping();
      roundTrip.add(performance.now() - since);
    } catch {
      // The connection logs its own errors, and `tapedeck_redis_connected` shows its absence.
    } finally {
      asking = false;
    }
  };
  return interval(() => void ask(), everyMs);
}
