import { z } from "zod";
import { feedStatus, mode, playbackState } from "../session/session-view.js";
import { sessionStats } from "./sessions.js";

export const healthAnswer = z.object({
  status: z.enum(["healthy", "degraded"]),
  issues: z.array(z.string()),
  uptime: z.number().describe("seconds since this node started"),
  mode: mode.describe("mode of the shared session"),
  snapshots_processed: z.int().describe("frames published by the running tickers"),
  feeds: z
    .array(z.object({ source: z.string(), symbol: z.string(), ...feedStatus.shape }))
    .describe("the markets that LIVE sessions watch now; a feed that is down does not make a node degraded"),
});
export type Health = z.infer<typeof healthAnswer>;

export const liveAnswer = z.object({ status: z.literal("alive") });
export const readyAnswer = z.object({ status: z.enum(["ready", "unready"]), issues: z.array(z.string()) });

/** The heartbeat of one node. Each role adds its own fields. */
const nodeView = z
  .looseObject({ node: z.string(), role: z.string() })
  .describe("role, version, sockets or leases, load");
export type NodeView = z.infer<typeof nodeView>;

/** Keys of the first version about components that a cluster does not have. */
const removed = z.null().describe("a key of the first version, always null");

export const dashboardAnswer = z
  .object({
    mode,
    buffer_size: z.int(),
    controller_state: playbackState.nullable().describe("of the session; null while it is absent"),
    replay_speed: z.number().nullable().describe("of the session; null while it is absent"),
    last_snapshot_ago_seconds: z
      .number()
      .nullable()
      .describe("seconds since the session's newest frame was due; null unless it plays"),
    uptime_seconds: z.number(),
    total_snapshots_processed: z.int(),
    total_errors: z.int(),
    total_websocket_messages_sent: z.int(),
    snapshots_per_second: z.number(),
    avg_latency_ms: z.number().describe("median lateness of frames, averaged over the nodes"),
    p95_latency_ms: z.number(),
    p99_latency_ms: z.number(),
    error_breakdown: z.record(z.string(), z.int()),
    active_websocket_connections: z.int(),
    sessions: sessionStats,
    nodes: z.array(nodeView),
    avg_processing_time_ms: removed,
    engine: removed,
    cpp_avg_latency_ms: removed,
    python_avg_latency_ms: removed,
    cpp_samples: removed,
    python_samples: removed,
    performance_improvement: removed,
    adaptive_processor: removed,
    db_pool: removed,
  })
  .meta({ id: "Dashboard" });
export type Dashboard = z.infer<typeof dashboardAnswer>;
