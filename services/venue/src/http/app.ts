import type { IncomingMessage } from "node:http";
import { clientAddress, guardedRequest, securityHeaders, throttledLog } from "@tapedeck/runtime";
import Koa, { type Context, type Middleware } from "koa";
import getRawBody from "raw-body";
import type { Venue } from "../context.js";
import { auditRefusal, requestIdOf } from "./audit-refusal.js";
import { BinanceError, binanceErrorOf, refusedByGuard } from "./binance-error.js";
import { Parameters } from "./parameters.js";
import type { VenueRequest } from "./request.js";
import type { Route } from "./route.js";
import { type Target, targetOf } from "./target.js";

/** Orders in a batch are the longest bodies. */
const bodyBytes = 65_536;

const preflight = {
  "Access-Control-Allow-Methods": "GET, POST, PUT, DELETE, OPTIONS",
  "Access-Control-Allow-Headers": "content-type, x-mbx-apikey",
  "Access-Control-Max-Age": "600",
};

/** The venue's HTTP side as a Koa app: Binance's routes below each session's address, and the node's health. */
export function createApp(venue: Venue, routes: readonly Route[]): Koa {
  const app = new Koa();
  app.silent = true; // Koa's own reporter writes to the console
  app.on("error", (error: unknown) =>
    venue.log.warn({ err: error }, "failed to send an answer; the client may have disconnected"),
  );
  app.use(errorAnswers(venue));
  app.use(guard(venue));
  app.use(status(venue));
  app.use(dispatch(venue, routes));
  return app;
}

/** Answers a thrown error in Binance's form; never a stack trace, never HTML. */
function errorAnswers({ log, requests }: Venue): Middleware {
  const report = throttledLog(log);
  return async (ctx, next) => {
    try {
      await next();
    } catch (thrown) {
      const error = binanceErrorOf(thrown);
      if (error.status === 500)
        log.error(
          { err: thrown, method: ctx.method, path: ctx.path },
          "request failed with an unexpected error; answered 500",
        );
      else if (error.status === 503)
        report.warn({ err: thrown }, "Redis or the tape store is unavailable; requests that need it answer 503");
      ctx.status = error.status;
      ctx.body = error.body;
      if (error.retryAfter !== undefined) ctx.set("Retry-After", `${Math.ceil(error.retryAfter)}`);
    } finally {
      requests.inc({ status: ctx.status });
    }
  };
}

function guard({ guard: requestGuard, node, access, trustedProxies }: Venue): Middleware {
  return async (ctx, next) => {
    ctx.set({ ...securityHeaders, "X-Tapedeck-Node": node, "Cache-Control": "no-store" });
    const refusal = requestGuard.refusal(guardedRequest(ctx.req));
    if (refusal !== undefined) {
      const error = refusedByGuard(refusal);
      const refused = { action: ctx.method, address: addressOf(ctx, trustedProxies) };
      auditRefusal(access, { ...refused, requestId: requestIdOf(ctx.headers) }, error);
      throw error;
    }
    const readers = requestGuard.corsOrigin(ctx.req.headers.origin);
    if (readers !== undefined) ctx.set("Access-Control-Allow-Origin", readers);
    if (readers !== "*") ctx.vary("Origin");
    if (ctx.method !== "OPTIONS") return next();
    ctx.set(preflight);
    ctx.status = 204;
  };
}

/** For orchestrators and the balancer. Metrics are here unless they have a port of their own. */
function status({ health, publicMetrics }: Venue): Middleware {
  return async (ctx, next) => {
    switch (ctx.path) {
      case "/health/live":
        ctx.body = { status: "alive" };
        return;
      case "/health/ready": {
        const { issues } = health.snapshot();
        const ready = health.ready();
        ctx.status = ready ? 200 : 503;
        ctx.body = { status: ready ? "ready" : "unready", issues };
        return;
      }
      case "/metrics":
        if (publicMetrics === undefined) break;
        ctx.type = publicMetrics.contentType;
        ctx.body = await publicMetrics.text();
        return;
    }
    await next();
  };
}

function dispatch(venue: Venue, routes: readonly Route[]): Middleware {
  const byName = new Map(routes.map((route) => [`${route.method} ${route.path}`, route]));
  const paths = new Set(routes.map(({ path }) => path));
  return async (ctx) => {
    const target = targetOf(ctx.path);
    if (target === undefined)
      throw notFound(
        "There is no such venue: addresses begin with /venue/binance/{session} or /venue/binance-usdm/{session}.",
      );
    const route = byName.get(`${ctx.method} ${target.path}`);
    if (route === undefined) {
      const known = paths.has(target.path);
      throw notFound(
        `Path ${target.path}, Method ${ctx.method} is invalid: ${known ? "the venue has it for other methods" : "Tapedeck's venue does not have it"}; docs/venue.md lists what it has.`,
        known ? 405 : 404,
      );
    }
    const request = await requestOf(ctx, venue, target);
    const weight = typeof route.weight === "function" ? route.weight(request) : (route.weight ?? 1);
    const used = venue.weights.count(request.address, weight);
    ctx.set({ "X-MBX-USED-WEIGHT": `${used}`, "X-MBX-USED-WEIGHT-1M": `${used}` });
    const answer = await answered(route, request, venue);
    if (route.orders !== undefined) ctx.set("X-MBX-ORDER-COUNT-10S", `${venue.orderCounts.placed(request.session)}`);
    ctx.status = 200;
    ctx.type = "json";
    ctx.body = JSON.stringify(answer);
  };
}

async function answered(route: Route, request: VenueRequest, venue: Venue): Promise<unknown> {
  try {
    await venue.admit(request);
    return await route.handle(request, venue);
  } catch (error) {
    const { session, address, headers } = request;
    const refused = { action: `${route.method} ${route.path}`, session, address, requestId: requestIdOf(headers) };
    auditRefusal(venue.access, refused, error);
    throw error;
  }
}

function addressOf(ctx: Context, trustedProxies: Venue["trustedProxies"]): string {
  const forwarded = ctx.get("x-forwarded-for") || undefined;
  return clientAddress(ctx.req.socket.remoteAddress ?? "", forwarded, trustedProxies);
}

async function requestOf(ctx: Context, { trustedProxies }: Venue, target: Target): Promise<VenueRequest> {
  const rawBody = ctx.method === "GET" ? "" : await bodyOf(ctx.req);
  const parameters = new URLSearchParams(ctx.querystring);
  for (const [name, value] of new URLSearchParams(rawBody)) parameters.append(name, value);
  return {
    ...target,
    rawBody,
    method: ctx.method,
    parameters: new Parameters(parameters),
    rawQuery: ctx.querystring,
    headers: ctx.req.headers,
    address: addressOf(ctx, trustedProxies),
  };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  try {
    return await getRawBody(request, { limit: bodyBytes, encoding: "utf8" });
  } catch (error) {
    throw new BinanceError("ILLEGAL_CHARS", `The body is longer than ${bodyBytes} bytes, or ended early.`, {
      status: 413,
      cause: error,
    });
  }
}

function notFound(message: string, status = 404): BinanceError {
  return new BinanceError("INVALID_PATH", message, { status });
}
