import Router from "@koa/router";
import { anonymous } from "@tapedeck/access";
import { RefusedError, refuse } from "@tapedeck/protocol";
import { isModelTestSession, securityHeaders, withSpan } from "@tapedeck/runtime";
import { stringifySetCookie } from "cookie";
import Koa, { type Context, type Middleware } from "koa";
import type { Api } from "./api.js";
import { auditRequests } from "./auth/audit.js";
import { authenticate } from "./auth/authenticate.js";
import { auditContextOf, type Caller, callerOf, sessionCookie } from "./auth/caller.js";
import { cors } from "./http/cors.js";
import { errorResponses } from "./http/error-responses.js";
import { FileResponse, sendFile } from "./http/file-response.js";
import { hasFormContentType, readJsonBody } from "./http/json-body.js";
import { JsonResponse, type RawRequest, RawResponse, type Route } from "./http/route.js";
import { StreamResponse, sendStream } from "./http/streamed-body.js";
import { SocketResponse } from "./http/web-socket.js";
import { queuesPage } from "./pages/queues-page.js";
import { routes } from "./routes/index.js";
import { recordPageCommand } from "./sessions/legacy-page-session.js";

/** The control plane as a Koa app. It holds no state, so any number of instances serve one cluster. */
export function createApp(api: Api): Koa {
  const app = new Koa();
  app.silent = true; // Koa's own reporter writes to the console
  app.on("error", (error: unknown) =>
    api.log.warn({ err: error }, "failed to send an answer; the client may have disconnected"),
  );

  const router = routerOf(routes, api);
  app.use(api.requests.middleware);
  app.use(nameNode(api.node));
  app.use(setSecurityHeaders);
  app.use(errorResponses(api.log));
  app.use(auditRequests(api));
  app.use(cors(api.guard));
  app.use(queuesPage(api));
  app.use(router.routes());
  app.use(refuseUnknownRoute);
  return app;
}

/** Keeps browsers from running or framing an answer that is data. Pages replace the policy with their own. */
const setSecurityHeaders: Middleware = (ctx, next) => {
  ctx.set(securityHeaders);
  return next();
};

/** Shows which node has answered, behind a load balancer. */
function nameNode(node: string): Middleware {
  return (ctx, next) => {
    ctx.set("X-Tapedeck-Node", node);
    return next();
  };
}

function routerOf(table: readonly Route[], api: Api): Router {
  const router = new Router({ sensitive: true });
  for (const route of table) {
    const path = route.path.replace(/\{(\w+)\}/g, ":$1");
    router.register(path, [route.method], async (ctx, next) => {
      if (literalPaths(ctx.matched).length > 0 && route.path.includes("{")) return next();
      Object.assign(auditContextOf(ctx), {
        endpoint: `${route.method} ${route.path}`,
        route: route.audit,
        [route.path.startsWith("/tapes/") ? "tape" : "session"]: ctx.params.id,
        link: ctx.params.share,
      });
      const principal = route.access === "public" ? anonymous : await authenticate(ctx, route.access, api);
      const caller = callerOf(ctx, api.trustedProxies, principal);
      if (route.method === "GET" && route.access !== "public") {
        await api.access.rateLimiter.count("reads", principal, caller.address);
      }
      const answer = (): Promise<unknown> => route.run(rawRequest(ctx, caller, api), api);
      await send(ctx, route, api, await (route.method === "GET" ? answer() : traceRequest(ctx, route, answer)));
    });
  }
  return router;
}

/** Requests that change something are traced, within the caller's trace if it sends one. */
function traceRequest<T>(ctx: Context, { method, path }: Route, answer: () => Promise<T>): Promise<T> {
  const attributes = { "http.request.method": method, "http.route": path, "url.path": ctx.path };
  return withSpan(`${method} ${path}`, attributes, answer, { traceparent: ctx.get("traceparent") || undefined });
}

/** A matching path of the router. */
interface Layer {
  readonly methods: readonly string[];
  readonly path: string | RegExp;
}

/**
 * The matching paths without a parameter. A literal path takes precedence whatever the method: `GET /sessions/create` does not request a
 * session called "create".
 */
function literalPaths(matched: readonly Layer[] = []): readonly Layer[] {
  return matched.filter(({ path }) => typeof path === "string" && !path.includes(":"));
}

function rawRequest(ctx: Context & { params: Record<string, string> }, caller: Caller, api: Api): RawRequest {
  return {
    params: ctx.params,
    query: { ...ctx.query },
    readBody: () => readJsonBody(ctx.req, api.bodyBytes),
    isForm: hasFormContentType(ctx.req),
    caller,
    accept: ctx.get("accept"),
    async rememberSession(value) {
      if (isModelTestSession(value)) return;
      const cookie = stringifySetCookie({ name: sessionCookie, value, path: "/", httpOnly: true, sameSite: "lax" });
      ctx.append("Set-Cookie", cookie);
      await recordPageCommand(caller, value, api);
    },
  };
}

async function send(ctx: Context, route: Route, api: Api, answer: unknown): Promise<void> {
  if (answer instanceof SocketResponse) return api.sockets.accept(ctx, answer);
  if (answer instanceof FileResponse) {
    await sendFile(ctx, answer);
    return;
  }
  ctx.set("Cache-Control", "no-store");
  if (answer instanceof StreamResponse) {
    await sendStream(ctx, answer);
    return;
  }
  ctx.status = answer instanceof JsonResponse ? answer.status : route.status;
  if (answer instanceof RawResponse) {
    ctx.type = answer.type;
    ctx.set({ ...answer.headers });
    sendRaw(ctx, answer);
    return;
  }
  ctx.type = "json";
  ctx.body = JSON.stringify(answer instanceof JsonResponse ? answer.body : answer);
}

function sendRaw(ctx: Context, { body: bytes, gzippedBody: gzipped }: RawResponse): void {
  if (ctx.fresh) {
    ctx.status = 304;
    return;
  }
  if (gzipped) ctx.vary("Accept-Encoding");
  const compressed = gzipped !== undefined && ctx.acceptsEncodings("gzip", "identity") === "gzip";
  if (compressed) ctx.set("Content-Encoding", "gzip");
  ctx.body = compressed ? gzipped : bytes;
}

/** Answers 404 for an unknown path, and 405 with the allowed methods for a known path under another method. */
const refuseUnknownRoute: Middleware = async (ctx) => {
  const matched: readonly Layer[] = ctx.matched ?? [];
  const literal = literalPaths(matched);
  const methods = new Set((literal.length > 0 ? literal : matched).flatMap((layer) => layer.methods));
  if (methods.size === 0) {
    throw new RefusedError(refuse("ROUTE_NOT_FOUND", `There is no route ${ctx.path}; /docs lists all routes.`));
  }
  const allowed = [...methods, "OPTIONS"].join(", ");
  ctx.set("Allow", allowed);
  throw new RefusedError(
    refuse("METHOD_NOT_ALLOWED", `${ctx.path} does not accept ${ctx.method}; it accepts ${allowed}.`),
  );
};
