import { adminRefusal, type Principal, tokenOf } from "@tapedeck/access";
import { RefusedError, refuse } from "@tapedeck/protocol";
import type { Context } from "koa";
import { actOf } from "./act.js";
import type { Api } from "./api.js";
import { ownOrigin } from "./cors.js";

/**
 * Who asks, by the token that came along.
 *
 * @throws RefusedError where it is missing or not good, or its holder is no admin and has to be one
 */
export async function identify(ctx: Context, access: "user" | "admin", api: Api): Promise<Principal> {
  const { authorization, cookie } = ctx.req.headers;
  const principal = await api.access.users.identify(tokenOf({ authorization, cookie }));
  actOf(ctx).who = principal;
  if (api.access.users.required && authorization === undefined) refuseForeignPage(ctx, api.allowedOrigins);
  const refusal = access === "admin" ? adminRefusal(principal) : undefined;
  if (refusal !== undefined) throw new RefusedError(refusal);
  return principal;
}

/** Browsers send cookies along with whatever a page of someone else asks, so with a cookie only pages we know may ask. */
function refuseForeignPage(ctx: Context, allowed: readonly string[]): void {
  const { origin } = ctx.req.headers;
  if (origin === undefined || ownOrigin(origin, ctx.host) || allowed.includes(origin)) return;
  throw new RefusedError(refuse("ORIGIN_NOT_ALLOWED", `Pages of ${origin.slice(0, 100)} may not use a cookie here.`));
}
