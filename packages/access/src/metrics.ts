import type { Metrics } from "@tapedeck/runtime";
import type { Access } from "./access.js";

/** Shows how often this node turned somebody away, and what for. */
export function showAccess(metrics: Metrics, { users, rateLimiter: limits }: Access): void {
  metrics.observeCounter({
    name: "tapedeck_limit_refusals_total",
    help: "Commands, new sessions, connections and reads refused because there were too many",
    labels: ["limit"],
    read: () => Object.entries(limits.refused).map(([limit, count]) => [{ limit }, count] as const),
  });
  metrics.observeCounter({
    name: "tapedeck_token_refusals_total",
    help: "Tokens refused, by whether they were a user's or a share link's",
    labels: ["kind"],
    read: () => Object.entries(users.refused).map(([kind, count]) => [{ kind }, count] as const),
  });
}
