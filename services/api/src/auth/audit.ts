import type { RefusalCode } from "@tapedeck/protocol";
import type { Context, Middleware } from "koa";
import type { Api } from "../api.js";
import { refusalOf } from "../http/error-responses.js";
import { addressOf, auditContextOf } from "./caller.js";

/**
 * Writes the audit entries of requests: those that a route declares, and every denied access. Runs inside the middleware that answers
 * refusals, so that an entry has the same code as the client's answer.
 */
export function auditRequests({ access, trustedProxies }: Api): Middleware {
  const write = (ctx: Context, result: "ok" | RefusalCode, reason?: string): void => {
    const { endpoint = ctx.method, route, ...context } = auditContextOf(ctx);
    const denied = denials.has(result);
    // With authentication off there are no admins, and a dashboard reads the cluster's numbers every few seconds.
    if (!denied && (route === undefined || (route.event === "admin_view" && !access.users.required))) return;
    access.audit({
      principal: undefined,
      ...context,
      event: denied ? "refusal" : (route?.event ?? "refusal"),
      action: route?.action ?? endpoint,
      address: addressOf(ctx, trustedProxies),
      requestId: ctx.get("x-request-id") || undefined,
      result,
      reason: denied ? reason : undefined,
    });
  };
  return async (ctx, next) => {
    try {
      await next();
    } catch (thrown) {
      const { code, message } = refusalOf(thrown);
      write(ctx, code, message);
      throw thrown;
    }
    write(ctx, resultOf(ctx.status));
  };
}

/** Denied access, with the statuses 401 and 403. */
const denials: ReadonlySet<string> = new Set<RefusalCode>(["UNAUTHORIZED", "FORBIDDEN", "ORIGIN_NOT_ALLOWED"]);

/** The result of an answer whose refusal was not thrown. */
function resultOf(status: number): "ok" | RefusalCode {
  if (status < 400) return "ok";
  if (status === 403) return "FORBIDDEN";
  return status === 404 ? "ROUTE_NOT_FOUND" : "INTERNAL";
}
