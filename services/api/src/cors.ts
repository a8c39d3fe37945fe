import type { Middleware } from "koa";

/** Headers of every answer, errors too: with authentication off a page of any origin may ask anything. */
const always = {
  "Access-Control-Allow-Origin": "*",
  "Access-Control-Expose-Headers": "retry-after, x-tapedeck-node",
};
const preflight = {
  "Access-Control-Allow-Methods": "GET, POST, DELETE, OPTIONS",
  "Access-Control-Allow-Headers": "authorization, content-type",
  "Access-Control-Max-Age": "600",
};

/** Lets browsers of other origins in. `OPTIONS` is answered here, for whatever path. */
export const cors: Middleware = async (ctx, next) => {
  ctx.set(always);
  if (ctx.method !== "OPTIONS") return next();
  ctx.set(preflight);
  ctx.status = 204;
};
