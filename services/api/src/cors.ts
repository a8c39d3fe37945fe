import { RefusedError, refuse } from "@tapedeck/protocol";
import type { Middleware } from "koa";

const exposed = { "Access-Control-Expose-Headers": "retry-after, x-tapedeck-node" };
const preflight = {
  "Access-Control-Allow-Methods": "GET, POST, DELETE, OPTIONS",
  "Access-Control-Allow-Headers": "authorization, content-type",
  "Access-Control-Max-Age": "600",
};

/**
 * Lets browsers of other origins in: of any where none is listed, else of the listed ones. Errors carry the headers too, or a page
 * could not read them. `OPTIONS` is answered here, for whatever path.
 *
 * @throws RefusedError for a page of an origin that is not listed, before anything is done
 */
export function cors(allowed: readonly string[]): Middleware {
  return async (ctx, next) => {
    const { origin } = ctx.req.headers;
    const listed = origin !== undefined && allowed.includes(origin);
    if (allowed.length === 0) ctx.set({ ...exposed, "Access-Control-Allow-Origin": "*" });
    else ctx.set({ ...exposed, ...(listed && { "Access-Control-Allow-Origin": origin }), Vary: "Origin" });
    if (ctx.method === "OPTIONS") {
      ctx.set(preflight);
      ctx.status = 204;
      return;
    }
    if (origin !== undefined && allowed.length > 0 && !listed && !ownOrigin(origin, ctx.host)) {
      throw new RefusedError(refuse("ORIGIN_NOT_ALLOWED", `Pages of ${origin.slice(0, 100)} may not ask here.`));
    }
    await next();
  };
}

/** Whether a page comes from the very host that it asks. */
export function ownOrigin(origin: string, host: string): boolean {
  return host !== "" && (origin === `https://${host}` || origin === `http://${host}`);
}
