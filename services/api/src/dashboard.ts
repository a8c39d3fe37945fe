import type { Dashboard } from "@tapedeck/protocol";
import type { Api } from "./api.js";
import { numbersOf, readNodes, sumOf } from "./nodes.js";
import { present } from "./session-access.js";

/** The cluster in numbers: statistics of the sessions, and what the nodes' heartbeats say. */
export async function dashboardOf(api: Api, sessionId: string): Promise<Dashboard> {
  const [sessions, nodes, found] = await Promise.all([api.store.stats(), readNodes(api), api.store.read(sessionId)]);
  const session = found && (await present(api, found));
  const errors = nodes.map(({ role, errors }) => [role, typeof errors === "number" ? errors : 0] as const);
  const errorBreakdown: Record<string, number> = {};
  for (const [role, count] of errors) errorBreakdown[role] = (errorBreakdown[role] ?? 0) + count;
  return {
    mode: session?.mode ?? "REPLAY",
    buffer_size: session?.buffer_size ?? 0,
    uptime_seconds: api.health.snapshot().uptime,
    total_snapshots_processed: sumOf(nodes, "frames_published"),
    total_errors: errors.reduce((sum, [, count]) => sum + count, 0),
    total_websocket_messages_sent: sumOf(nodes, "messages_sent"),
    snapshots_per_second: sumOf(nodes, "frames_per_second"),
    avg_latency_ms: meanOf(numbersOf(nodes, "late_p50_ms")),
    p95_latency_ms: Math.max(0, ...numbersOf(nodes, "late_p95_ms")),
    p99_latency_ms: Math.max(0, ...numbersOf(nodes, "late_p99_ms")),
    error_breakdown: errorBreakdown,
    active_websocket_connections: sumOf(nodes, "sockets"),
    sessions,
    nodes,
  };
}

function meanOf(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}
