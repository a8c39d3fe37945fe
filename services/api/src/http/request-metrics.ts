import type { RefusalCode } from "@tapedeck/protocol";
import type { Middleware } from "koa";
import { Histogram, type Registry } from "prom-client";

const early: RefusalCode = "FILE_NOT_READY";

export interface RequestMetrics {
  readonly middleware: Middleware;
  /** Requests since the start, and those answered with 5xx; for the heartbeat. */
  totals(): { requests: number; errors: number };
}

/** Measures requests by method, route and status. Not by path, since each id would create a series. */
export function createRequestMetrics(registry: Registry): RequestMetrics {
  const seconds = new Histogram({
    name: "tapedeck_api_request_seconds",
    help: "Time from receiving a request's headers to its answer",
    labelNames: ["method", "route", "status"],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 3],
    registers: [registry],
  });
  let requests = 0;
  let errors = 0;
  return {
    totals: () => ({ requests, errors }),
    async middleware(ctx, next) {
      const stop = seconds.startTimer();
      await next();
      requests++;
      // Who asks for a file that is being made is told to ask again: that is no failure, and alerts must not take it for one.
      const isEarly = ctx.state.refused === early;
      if (ctx.status >= 500 && !isEarly) errors++;
      const status = isEarly ? `${ctx.status} ${early}` : ctx.status;
      stop({ method: known(ctx.method), route: ctx._matchedRoute ?? "none", status });
    },
  };
}

/** Unknown methods must not create a series each. */
function known(method: string): string {
  return ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"].includes(method) ? method : "other";
}
