import { adminRefusal, type Principal, tokenCookie, tokenOf } from "@tapedeck/access";
import { RefusedError, refuse } from "@tapedeck/protocol";
import { guardedRequest } from "@tapedeck/runtime";
import type { Context } from "koa";
import type { Api } from "../api.js";
import { auditContextOf } from "./caller.js";

/**
 * The principal of a request, from its token.
 *
 * @throws RefusedError if the token is missing or invalid, came in a cookie from another site's page, or does not belong to an admin
 *   where `access` requires one
 */
export async function authenticate(ctx: Context, access: "user" | "admin", api: Api): Promise<Principal> {
  const { authorization, cookie } = ctx.req.headers;
  const token = tokenOf({ authorization, cookie });
  if (api.access.users.required && token?.from === "cookie" && !api.guard.trustsCookie(guardedRequest(ctx.req))) {
    const message = `Origin not allowed with the cookie ${tokenCookie}; send the token as Authorization: Bearer.`;
    throw new RefusedError(refuse("ORIGIN_NOT_ALLOWED", message));
  }
  const principal = await api.access.users.identify(token?.token);
  auditContextOf(ctx).principal = principal;
  const refusal = access === "admin" ? adminRefusal(principal) : undefined;
  if (refusal !== undefined) throw new RefusedError(refusal);
  return principal;
}
