import type { RefusalCode } from "@tapedeck/protocol";
import type { Context, Middleware } from "koa";
import type { Api } from "../api.js";
import { refusalOf } from "../http/error-responses.js";
import { auditContextOf } from "./act.js";
import { addressOf } from "./caller.js";

/**
 * Enters each request that the audit trail wants: what a route declares, and every refusal to let someone in. Stands inside of what
 * answers refusals, so that a line says what the client is answered.
 */
export function auditRequests({ access, trustedProxies }: Api): Middleware {
  const enter = (ctx: Context, result: "ok" | RefusalCode, reason?: string): void => {
    const { endpoint = ctx.method, route, ...act } = auditContextOf(ctx);
    const refused = denials.has(result);
    // Without authentication there are no admins, and a dashboard reads the cluster's numbers every few seconds.
    if (!refused && (route === undefined || (route.event === "admin_view" && !access.users.required))) return;
    access.audit({
      principal: undefined,
      ...act,
      event: refused ? "refusal" : (route?.event ?? "refusal"),
      action: route?.action ?? endpoint,
      address: addressOf(ctx, trustedProxies),
      requestId: ctx.get("x-request-id") || undefined,
      result,
      reason: refused ? reason : undefined,
    });
  };
  return async (ctx, next) => {
    try {
      await next();
    } catch (thrown) {
      const { code, message } = refusalOf(thrown);
      enter(ctx, code, message);
      throw thrown;
    }
    enter(ctx, resultOf(ctx.status));
  };
}

/** Refusals to let someone in, with the statuses 401 and 403. */
const denials: ReadonlySet<string> = new Set<RefusalCode>(["UNAUTHORIZED", "FORBIDDEN", "ORIGIN_NOT_ALLOWED"]);

/** For the few answers that are refusals without being thrown. */
function resultOf(status: number): "ok" | RefusalCode {
  if (status < 400) return "ok";
  if (status === 403) return "FORBIDDEN";
  return status === 404 ? "ROUTE_NOT_FOUND" : "INTERNAL";
}
