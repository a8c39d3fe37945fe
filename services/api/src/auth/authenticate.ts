import { adminRefusal, type Principal, tokenCookie, tokenOf } from "@tapedeck/access";
import { RefusedError, refuse } from "@tapedeck/protocol";
import { guardedRequest } from "@tapedeck/runtime";
import type { Context } from "koa";
import type { Api } from "../api.js";
import { auditContextOf } from "./act.js";

/**
 * Who asks, by the token that came along.
 *
 * @throws RefusedError where it is missing or not good, came in a cookie from a page of someone else, or its holder is no admin and
 *   has to be one
 */
export async function identify(ctx: Context, access: "user" | "admin", api: Api): Promise<Principal> {
  const { authorization, cookie } = ctx.req.headers;
  const brought = tokenOf({ authorization, cookie });
  if (api.access.users.required && brought?.from === "cookie" && !api.guard.trustsCookie(guardedRequest(ctx.req))) {
    const message = `Pages of another site may not use the cookie ${tokenCookie}; send the token as Authorization: Bearer.`;
    throw new RefusedError(refuse("ORIGIN_NOT_ALLOWED", message));
  }
  const principal = await api.access.users.identify(brought?.token);
  auditContextOf(ctx).principal = principal;
  const refusal = access === "admin" ? adminRefusal(principal) : undefined;
  if (refusal !== undefined) throw new RefusedError(refusal);
  return principal;
}
