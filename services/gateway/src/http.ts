import { dataHeaders, type Health, type Metrics, type RequestGuard } from "@tapedeck/runtime";
import { json, refusal, refusalByGuard } from "./answers.js";
import type { Answer, Request } from "./listener.js";

/** What a gateway answers besides sockets: its own health, and its numbers where `metrics` is given. Everything else is the api's. */
export function answerRequest(
  request: Request,
  { guard, health, metrics }: { guard: RequestGuard; health: Health; metrics: Metrics | undefined },
): Answer | Promise<Answer> {
  const unwanted = guard.refusal(request);
  if (unwanted !== undefined) return refusalByGuard(unwanted);
  const { method, path } = request;
  if (path === "/ws" || path.startsWith("/ws/")) {
    return refusal("MALFORMED", "This is a WebSocket: ask for it with an Upgrade header.");
  }
  const known = path === "/health/live" || path === "/health/ready" || (path === "/metrics" && metrics !== undefined);
  if (!known) return refusal("ROUTE_NOT_FOUND", `There is no ${path} on a gateway.`);
  if (method !== "GET" && method !== "HEAD") return refusal("METHOD_NOT_ALLOWED", `${path} can only be read.`);
  if (path === "/metrics" && metrics !== undefined) return numbers(metrics);
  if (path === "/health/live") return json(200, { status: "alive" });
  const { issues } = health.snapshot();
  return health.ready() ? json(200, { status: "ready", issues }) : json(503, { status: "unready", issues });
}

async function numbers(metrics: Metrics): Promise<Answer> {
  return { status: 200, headers: { ...dataHeaders, "Content-Type": metrics.contentType }, body: await metrics.text() };
}
