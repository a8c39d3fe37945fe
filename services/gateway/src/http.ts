import type { Health, Metrics } from "@tapedeck/runtime";
import { json, refusal } from "./answers.js";
import type { Answer, Request } from "./listener.js";

/** What a gateway answers besides sockets: its own health and numbers. Everything else is the api's. */
export function answerRequest(
  { method, path }: Pick<Request, "method" | "path">,
  { health, metrics }: { health: Health; metrics: Metrics },
): Answer | Promise<Answer> {
  if (path === "/ws" || path.startsWith("/ws/")) {
    return refusal("MALFORMED", "This is a WebSocket: ask for it with an Upgrade header.");
  }
  if (path !== "/health/live" && path !== "/health/ready" && path !== "/metrics") {
    return refusal("ROUTE_NOT_FOUND", `There is no ${path} on a gateway.`);
  }
  if (method !== "GET" && method !== "HEAD") return refusal("METHOD_NOT_ALLOWED", `${path} can only be read.`);
  if (path === "/health/live") return json(200, { status: "alive" });
  if (path === "/health/ready") {
    const { issues } = health.snapshot();
    return health.ready() ? json(200, { status: "ready", issues }) : json(503, { status: "unready", issues });
  }
  return metrics.text().then((body) => ({ status: 200, headers: { "Content-Type": metrics.contentType }, body }));
}
