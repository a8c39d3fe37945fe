import type { Metrics } from "@tapedeck/runtime";
import type { TickerQueue } from "@tapedeck/sessions";
import type { Api } from "../api.js";
import { readNodes } from "./nodes.js";

/** A scrape reads each metric separately; within this time they share one read of Redis. */
const sharedMs = 500;

/**
 * Exposes metrics of the whole cluster, read from Redis on each scrape with a dozen cheap commands. Every api exposes the same values,
 * so queries must not sum them over nodes.
 */
export function observeCluster(
  metrics: Metrics,
  { store, redis, keys, tickerQueue }: Pick<Api, "store" | "redis" | "keys"> & { readonly tickerQueue: TickerQueue },
): void {
  const read = shared(async () => {
    const [counts, totals, waiting, nodes] = await Promise.all([
      store.index.counts(),
      store.totals.read(),
      tickerQueue.waiting(),
      readNodes({ redis, keys }),
    ]);
    return { counts, totals, waiting, nodes };
  });
  const each = (label: string, numbers: Iterable<readonly [string, number]>) =>
    [...numbers].map(([word, value]) => [{ [label]: word }, value] as const);

  metrics.observeGauge({
    name: "tapedeck_sessions_by_mode",
    help: "Sessions of the cluster, by mode",
    labels: ["mode"],
    read: async () => each("mode", (await read()).counts.modes),
  });
  metrics.observeGauge({
    name: "tapedeck_sessions_by_state",
    help: "Sessions of the cluster, by state",
    labels: ["state"],
    read: async () => each("state", (await read()).counts.states),
  });
  metrics.observeGauge({
    name: "tapedeck_leases_waiting",
    help: "Playing sessions that wait for a ticker, by queue",
    labels: ["queue"],
    read: async () => each("queue", (await read()).waiting),
  });
  metrics.observeGauge({
    name: "tapedeck_nodes",
    help: "Nodes with a heartbeat in the last 15 s, by role",
    labels: ["role"],
    read: async () => {
      const roles = new Map<string, number>();
      for (const { role } of (await read()).nodes) roles.set(role, (roles.get(role) ?? 0) + 1);
      return each("role", roles);
    },
  });
  const total = (name: string, help: string, of: (totals: Awaited<ReturnType<typeof store.totals.read>>) => number) =>
    metrics.observeCounter({ name: `tapedeck_sessions_${name}`, help, read: async () => of((await read()).totals) });
  total("created_total", "Sessions ever created in the cluster", ({ created }) => created);
  total("expired_total", "Sessions of the cluster that expired", ({ expired }) => expired);
  total("deleted_total", "Sessions of the cluster that were deleted", ({ deleted }) => deleted);
  total("lived_seconds_total", "Total lifetime of all ended sessions", ({ livedMs }) => livedMs / 1000);
}

function shared<T>(read: () => Promise<T>): () => Promise<T> {
  let last: { readonly at: number; readonly value: Promise<T> } | undefined;
  return () => {
    const now = performance.now();
    if (last === undefined || now - last.at > sharedMs) last = { at: now, value: read() };
    return last.value;
  };
}
