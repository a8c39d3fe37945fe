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
    summary: "How this node is; degraded names what is wrong",
    answer: healthAnswer,
    handle: (_, api) => clusterHealth(api),
  }),
  route({
    ...noInput,
    method: "GET",
    path: "/health/live",
    access: "public",
    tag,
    summary: "Whether the event loop turns",
    answer: liveAnswer,
    handle: async () => ({ status: "alive" as const }),
  }),
  route({
    ...noInput,
    method: "GET",
    path: "/health/ready",
    access: "public",
    tag,
    summary: "Whether to send requests here; 503 while starting or draining, but not for Redis's absence",
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
    summary: "Prometheus text where Accept asks for text, otherwise the dashboard's JSON",
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
    summary: "The cluster in numbers",
    query: sessionQuery,
    answer: dashboardAnswer,
    handle: ({ query }, api) => clusterDashboard(api, query.session_id ?? globalSessionId),
  }),
];

// Axios names text/plain behind application/json unless told otherwise, and a page that uses it wants the JSON.
function wantsPrometheus(accept: string): boolean {
  if (accept.includes("application/json")) return false;
  return accept.includes("text/plain") || accept.includes("application/openmetrics-text");
}
