import Router from "@koa/router";
import { anyone } from "@tapedeck/access";
import { RefusedError, refuse } from "@tapedeck/protocol";
import { dataHeaders, isModelTest, traced } from "@tapedeck/runtime";
import { stringifySetCookie } from "cookie";
import Koa, { type Context, type Middleware } from "koa";
import { actOf } from "./act.js";
import type { Api } from "./api.js";
import { auditRequests } from "./audit.js";
import { type Caller, callerOf, sessionCookie } from "./caller.js";
import { cors } from "./cors.js";
import { identify } from "./identify.js";
import { callsItselfForm, readJsonBody } from "./json-body.js";
import { notePage } from "./legacy-pages.js";
import { queuesPage } from "./queues-page.js";
import { answerRefusals } from "./refusals.js";
import { type RawCall, type Route, Verbatim, WithStatus } from "./route.js";
import { routes } from "./routes/index.js";

/** The control plane as a Koa app; it holds nothing of its own, so any number of them serve one cluster. */
export function createApp(api: Api): Koa {
  const app = new Koa();
  app.silent = true; // Koa's own reporter writes to the console
  app.on("error", (error: unknown) => api.log.warn({ err: error }, "an answer could not be sent"));

  const router = routerOf(routes, api);
  app.use(api.requests.middleware);
  app.use(nameNode(api.node));
  app.use(secure);
  app.use(answerRefusals(api.log));
  app.use(auditRequests(api));
  app.use(cors(api.guard));
  app.use(queuesPage(api));
  app.use(router.routes());
  app.use(refuseUnknown);
  return app;
}

/** What keeps a browser from reading more into an answer than it says. Pages have a policy of their own instead. */
const secure: Middleware = (ctx, next) => {
  ctx.set(dataHeaders);
  return next();
};

/** So that a person at a load balancer can see who answered. */
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
      if (spelledOut(ctx.matched).length > 0 && route.path.includes("{")) return next();
      Object.assign(actOf(ctx), {
        asked: `${route.method} ${route.path}`,
        route: route.audit,
        session: ctx.params.id,
        link: ctx.params.share,
      });
      const principal = route.access === "public" ? anyone : await identify(ctx, route.access, api);
      const caller = callerOf(ctx, api.trustedProxies, principal);
      if (route.method === "GET" && route.access !== "public") {
        await api.access.limits.count("reads", principal, caller.address);
      }
      const answer = (): Promise<unknown> => route.run(rawCall(ctx, caller, api), api);
      send(ctx, route, await (route.method === "GET" ? answer() : tracedRequest(ctx, route, answer)));
    });
  }
  return router;
}

/** What changes something is traced, as part of the caller's own trace if it sends one along. */
function tracedRequest<T>(ctx: Context, { method, path }: Route, answer: () => Promise<T>): Promise<T> {
  const attributes = { "http.request.method": method, "http.route": path, "url.path": ctx.path };
  return traced(`${method} ${path}`, attributes, answer, { traceparent: ctx.get("traceparent") || undefined });
}

/** A path of the table under one method, as the router knows it. */
interface Layer {
  readonly methods: readonly string[];
  readonly path: string | RegExp;
}

/**
 * Of the paths that a request fits, those without a parameter. Where there is one it is meant, under whatever method:
 * `GET /sessions/create` does not ask for a session called "create".
 */
function spelledOut(matched: readonly Layer[] = []): readonly Layer[] {
  return matched.filter(({ path }) => typeof path === "string" && !path.includes(":"));
}

function rawCall(ctx: Context & { params: Record<string, string> }, caller: Caller, api: Api): RawCall {
  return {
    params: ctx.params,
    query: { ...ctx.query },
    readBody: () => readJsonBody(ctx.req, api.bodyBytes),
    callsItselfForm: callsItselfForm(ctx.req),
    caller,
    accept: ctx.get("accept"),
    async rememberSession(value) {
      if (isModelTest(value)) return;
      const cookie = stringifySetCookie({ name: sessionCookie, value, path: "/", httpOnly: true, sameSite: "lax" });
      ctx.append("Set-Cookie", cookie);
      await notePage(caller, value, api);
    },
  };
}

function send(ctx: Context, route: Route, answer: unknown): void {
  ctx.set("Cache-Control", "no-store");
  ctx.status = answer instanceof WithStatus ? answer.status : route.status;
  if (answer instanceof Verbatim) {
    ctx.type = answer.type;
    ctx.set({ ...answer.headers });
    sendVerbatim(ctx, answer);
    return;
  }
  ctx.type = "json";
  ctx.body = JSON.stringify(answer instanceof WithStatus ? answer.body : answer);
}

function sendVerbatim(ctx: Context, { bytes, gzipped }: Verbatim): void {
  if (ctx.fresh) {
    ctx.status = 304;
    return;
  }
  if (gzipped) ctx.vary("Accept-Encoding");
  const compressed = gzipped !== undefined && ctx.acceptsEncodings("gzip", "identity") === "gzip";
  if (compressed) ctx.set("Content-Encoding", "gzip");
  ctx.body = compressed ? gzipped : bytes;
}

/** A path that no route has is 404; one that some route has under another method is 405 and says which. */
const refuseUnknown: Middleware = async (ctx) => {
  const matched: readonly Layer[] = ctx.matched ?? [];
  const literal = spelledOut(matched);
  const methods = new Set((literal.length > 0 ? literal : matched).flatMap((layer) => layer.methods));
  if (methods.size === 0) {
    throw new RefusedError(refuse("ROUTE_NOT_FOUND", `There is no ${ctx.path} here; /docs lists what there is.`));
  }
  const allowed = [...methods, "OPTIONS"].join(", ");
  ctx.set("Allow", allowed);
  throw new RefusedError(refuse("METHOD_NOT_ALLOWED", `${ctx.path} does not take ${ctx.method}; it takes ${allowed}.`));
};
