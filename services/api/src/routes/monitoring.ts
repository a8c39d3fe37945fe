import {
  dashboardAnswer,
  globalSessionId,
  healthAnswer,
  liveAnswer,
  readyAnswer,
  sessionQuery,
} from "@tapedeck/protocol";
import { JsonResponse, noInput, RawResponse, type Route, route } from "../http/route.js";
import { clusterDashboard } from "../monitoring/dashboard.js";
import { clusterHealth } from "../monitoring/health.js";

const tag = "Monitoring";

export const monitoringRoutes: readonly Route[] = [
  route({
    ...noInput,
    method: "GET",
    path: "/health",
    access: "public",
    tag,
    summary: "Health of this node; `issues` lists what is wrong if it is degraded",
    answer: healthAnswer,
    handle: (_, api) => clusterHealth(api),
  }),
  route({
    ...noInput,
    method: "GET",
    path: "/health/live",
    access: "public",
    tag,
    summary: "Liveness: whether the event loop runs",
    answer: liveAnswer,
    handle: async () => ({ status: "alive" as const }),
  }),
  route({
    ...noInput,
    method: "GET",
    path: "/health/ready",
    access: "public",
    tag,
    summary: "Readiness: 503 while the node starts or drains, but not because Redis is unavailable",
    answer: readyAnswer,
    async handle(_, { health }) {
      const { issues } = health.snapshot();
      return health.ready()
        ? { status: "ready" as const, issues: [...issues] }
        : new JsonResponse(503, { status: "unready", issues });
    },
  }),
  route({
    ...noInput,
    method: "GET",
    path: "/metrics",
    access: "admin",
    tag,
    summary: "Prometheus text if Accept requests text, otherwise the JSON of /metrics/dashboard",
    query: sessionQuery,
    answer: dashboardAnswer,
    async handle({ accept, query }, api) {
      if (wantsPrometheus(accept)) return new RawResponse(api.metrics.contentType, await api.metrics.text());
      return clusterDashboard(api, query.session_id ?? globalSessionId);
    },
  }),
  route({
    ...noInput,
    method: "GET",
    path: "/metrics/dashboard",
    access: "admin",
    tag,
    summary: "Numbers of the whole cluster",
    query: sessionQuery,
    answer: dashboardAnswer,
    handle: ({ query }, api) => clusterDashboard(api, query.session_id ?? globalSessionId),
  }),
];

// By default Axios lists text/plain after application/json, and pages that use it expect the JSON.
function wantsPrometheus(accept: string): boolean {
  if (accept.includes("application/json")) return false;
  return accept.includes("text/plain") || accept.includes("application/openmetrics-text");
}
