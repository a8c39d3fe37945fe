import type { Server } from "node:http";
import type { Health } from "../node/health.js";
import type { Metrics } from "../observability/metrics.js";
import { guardedRequest, type RequestGuard, securityHeaders } from "./request-guard.js";
import { createHttpServer, httpTimeouts } from "./timeouts.js";

export interface StatusServer {
  readonly url: string;
  stop(): Promise<void>;
}

/** Serves `/health`, `/health/live`, `/health/ready` and `/metrics` to orchestrators. Resolves when it listens. */
export async function startStatusServer(options: {
  host: string;
  port: number;
  health: Health;
  metrics: Metrics;
  guard: RequestGuard;
}): Promise<StatusServer> {
  const { host, port, health, metrics, guard } = options;
  const server = createHttpServer(httpTimeouts, (request, response) => {
    const answer = (status: number, body: unknown): void => {
      response.writeHead(status, { ...securityHeaders, "content-type": "application/json" }).end(JSON.stringify(body));
    };
    const refusal = guard.refusal(guardedRequest(request));
    if (refusal !== undefined) {
      answer(refusal.status, { status: "error", code: refusal.refused, message: refusal.message });
      return;
    }
    switch (request.url?.split("?")[0]) {
      case "/health":
        answer(200, health.snapshot());
        break;
      case "/health/live":
        answer(200, { status: "live" });
        break;
      case "/health/ready":
        answer(health.ready() ? 200 : 503, health.snapshot());
        break;
      case "/metrics":
        metrics.text().then(
          (text) => response.writeHead(200, { ...securityHeaders, "content-type": metrics.contentType }).end(text),
          () => answer(500, { status: "error", code: "UNAVAILABLE", message: "Metrics could not be collected." }),
        );
        break;
      default:
        answer(404, {
          status: "error",
          code: "ROUTE_NOT_FOUND",
          message: "This port only serves /health and /metrics.",
        });
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
  return { url: urlOf(server), stop: () => stop(server) };
}

function urlOf(server: Server): string {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the status server has no port");
  const host = address.family === "IPv6" ? `[${address.address}]` : address.address;
  return `http://${host}:${address.port}`;
}

function stop(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}
