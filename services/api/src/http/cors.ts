import { RefusedError } from "@tapedeck/protocol";
import { guardedRequest, type RequestGuard } from "@tapedeck/runtime";
import type { Middleware } from "koa";

const exposed = { "Access-Control-Expose-Headers": "retry-after, x-tapedeck-node" };
const preflight = {
  "Access-Control-Allow-Methods": "GET, POST, DELETE, OPTIONS",
  "Access-Control-Allow-Headers": "authorization, content-type",
  "Access-Control-Max-Age": "600",
};

/**
 * Lets in what the guard lets in, and says so to browsers: errors carry the headers too, or a page could not read them. `OPTIONS` is
 * answered here, for whatever path.
 *
 * @throws RefusedError for a host name or a page that is not accepted, before anything is done
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
