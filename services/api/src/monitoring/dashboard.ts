import type { Dashboard, NodeView } from "@tapedeck/protocol";
import { isMoving, positionAt, type StoredSession, wallAt } from "@tapedeck/sessions";
import type { Api } from "../api.js";
import { openTape, sessionViewOf } from "../sessions/session-access.js";
import { numbersOf, readNodes, sumOf } from "./nodes.js";

/** The cluster's numbers: session statistics, and sums over the nodes' heartbeats. */
export async function clusterDashboard(api: Api, sessionId: string): Promise<Dashboard> {
  const [sessions, nodes, found] = await Promise.all([api.store.stats(), readNodes(api), api.store.read(sessionId)]);
  const session = found && (await sessionViewOf(api, found));
  return {
    mode: session?.mode ?? "REPLAY",
    buffer_size: session?.buffer_size ?? 0,
    controller_state: session?.state ?? null,
    replay_speed: session?.speed ?? null,
    last_snapshot_ago_seconds: (found && (await sinceLastFrame(api, found))) ?? null,
    uptime_seconds: api.health.snapshot().uptime,
    total_snapshots_processed: sumOf(nodes, "frames_published"),
    total_errors: sumOf(nodes, "errors"),
    total_websocket_messages_sent: sumOf(nodes, "messages_sent"),
    snapshots_per_second: sumOf(nodes, "frames_per_second"),
    avg_latency_ms: meanOf(numbersOf(nodes, "late_p50_ms")),
    p95_latency_ms: Math.max(0, ...numbersOf(nodes, "late_p95_ms")),
    p99_latency_ms: Math.max(0, ...numbersOf(nodes, "late_p99_ms")),
    error_breakdown: errorsByRole(nodes),
    active_websocket_connections: sumOf(nodes, "sockets"),
    sessions,
    nodes,
    avg_processing_time_ms: null,
    engine: null,
    cpp_avg_latency_ms: null,
    python_avg_latency_ms: null,
    cpp_samples: null,
    python_samples: null,
    performance_improvement: null,
    adaptive_processor: null,
    db_pool: null,
  };
}

/** Seconds since the frame at a moving playhead was due; at the edge of a live tape, since that frame's tape time. */
async function sinceLastFrame(api: Api, { record, now }: StoredSession): Promise<number | undefined> {
  const tape = isMoving(record) ? await openTape(api, record) : undefined;
  if (tape === undefined) return undefined;
  const { seq } = await positionAt(record, now, tape);
  const ns = await tape.nsOf(seq);
  const dueMs = record.edge
    ? Number(tape.startNs / 1_000_000n) + ns / 1e6
    : wallAt(record, Math.max(ns, record.anchorNs), tape.timeline(record.gaps));
  return Math.max(0, Math.round(now - dueMs)) / 1000;
}

function meanOf(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}

function errorsByRole(nodes: readonly NodeView[]): Record<string, number> {
  const errors: Record<string, number> = {};
  for (const node of nodes) {
    if (typeof node.errors === "number") errors[node.role] = (errors[node.role] ?? 0) + node.errors;
  }
  return errors;
}
