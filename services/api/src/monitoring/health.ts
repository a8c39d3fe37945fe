import { globalSessionId, type healthAnswer, RefusedError } from "@tapedeck/protocol";
import { orUnavailable } from "@tapedeck/sessions";
import type { z } from "zod";
import type { Api } from "../api.js";
import { readNodes, sumOf } from "./nodes.js";

/** Answers also while Redis is unavailable: then the status is degraded, and session data is empty. */
export async function clusterHealth(api: Api): Promise<z.infer<typeof healthAnswer>> {
  try {
    const [nodes, shared, feeds] = await Promise.all([
      readNodes(api),
      api.store.read(globalSessionId),
      orUnavailable(api.live.feedsInDemand()),
    ]);
    const { status, issues, uptime } = api.health.snapshot();
    return {
      status,
      issues: [...issues],
      uptime,
      mode: shared?.record.mode ?? "REPLAY",
      snapshots_processed: sumOf(nodes, "frames_published"),
      feeds: feeds.map(({ source, symbol, status }) => ({ source, symbol, ...status })),
    };
  } catch (error) {
    if (!(error instanceof RefusedError) || error.code !== "UNAVAILABLE") throw error;
    const { issues, uptime } = api.health.snapshot();
    return {
      status: "degraded",
      issues: issues.length > 0 ? [...issues] : ["redis: unreachable"],
      uptime,
      mode: "REPLAY",
      snapshots_processed: 0,
      feeds: [],
    };
  }
}
