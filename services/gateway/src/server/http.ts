import { errorBodyOf, type RefusalCode, refusals } from "@tapedeck/protocol";
import { type GuardRefusal, type Health, type Metrics, type RequestGuard, securityHeaders } from "@tapedeck/runtime";
import type { HttpResponse, Request } from "./server.js";

/** Answers requests that are not for a socket: the gateway's health, and its metrics if `metrics` is given. All other routes are the api's. */
export function handleRequest(
  request: Request,
  { guard, health, metrics }: { guard: RequestGuard; health: Health; metrics: Metrics | undefined },
): HttpResponse | Promise<HttpResponse> {
  const refused = guard.refusal(request);
  if (refused !== undefined) return guardResponse(refused);
  const { method, path } = request;
  if (path === "/ws" || path.startsWith("/ws/")) {
    return refusalResponse("MALFORMED", "This is a WebSocket: request it with an Upgrade header.");
  }
  const known = path === "/health/live" || path === "/health/ready" || (path === "/metrics" && metrics !== undefined);
  if (!known) return refusalResponse("ROUTE_NOT_FOUND", `There is no ${path} on a gateway.`);
  if (method !== "GET" && method !== "HEAD") return refusalResponse("METHOD_NOT_ALLOWED", `${path} can only be read.`);
  if (path === "/metrics" && metrics !== undefined) return metricsResponse(metrics);
  if (path === "/health/live") return jsonResponse(200, { status: "alive" });
  const { issues } = health.snapshot();
  return health.ready()
    ? jsonResponse(200, { status: "ready", issues })
    : jsonResponse(503, { status: "unready", issues });
}

export function refusalResponse(code: RefusalCode, message: string): HttpResponse {
  const status = refusals[code];
  return jsonResponse(status, errorBodyOf({ refused: code, message }), status === 503 ? { "Retry-After": "1" } : {});
}

/** Without CORS headers: a page whose requests are refused may not read the reason either. */
function guardResponse({ refused, status, message }: GuardRefusal): HttpResponse {
  return {
    status,
    headers: { ...securityHeaders, "Content-Type": "application/json" },
    body: JSON.stringify(errorBodyOf({ refused, message })),
  };
}

function jsonResponse(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): HttpResponse {
  return {
    status,
    headers: { ...securityHeaders, "Content-Type": "application/json", "Access-Control-Allow-Origin": "*", ...headers },
    body: JSON.stringify(body),
  };
}

async function metricsResponse(metrics: Metrics): Promise<HttpResponse> {
  return {
    status: 200,
    headers: { ...securityHeaders, "Content-Type": metrics.contentType },
    body: await metrics.text(),
  };
}
