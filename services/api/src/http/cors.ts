import { RefusedError } from "@tapedeck/protocol";
import { guardedRequest, type RequestGuard } from "@tapedeck/runtime";
import type { Middleware } from "koa";

const exposed = {
  "Access-Control-Expose-Headers": "retry-after, x-tapedeck-node, accept-ranges, content-range, etag",
};
const preflight = {
  "Access-Control-Allow-Methods": "GET, POST, PUT, PATCH, DELETE, OPTIONS",
  "Access-Control-Allow-Headers": "authorization, content-type",
  "Access-Control-Max-Age": "600",
};

/**
 * Applies the request guard, and tells browsers which pages may read the answer. Errors have the headers too, or a page could not read
 * them. Answers `OPTIONS` on every path.
 *
 * `@koa/cors` would not shorten this: it answers only real preflights, and decides by Origin alone.
 *
 * @throws RefusedError for a host name or an origin that is not allowed, before anything is done
 */
export function cors(guard: RequestGuard): Middleware {
  return async (ctx, next) => {
    const refusal = guard.refusal(guardedRequest(ctx.req));
    if (refusal !== undefined) throw new RefusedError(refusal);
    const readers = guard.corsOrigin(ctx.req.headers.origin);
    ctx.set({ ...exposed, ...(readers !== undefined && { "Access-Control-Allow-Origin": readers }) });
    if (readers !== "*") ctx.vary("Origin");
    if (ctx.method === "OPTIONS") {
      ctx.set(preflight);
      ctx.status = 204;
      return;
    }
    await next();
  };
}
