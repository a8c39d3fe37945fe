import type { IncomingMessage, ServerResponse } from "node:http";
import { type AuditEvent, clientKey, type Principal } from "@tapedeck/access";
import { clientAddress, pageTag, type TrustedProxies } from "@tapedeck/runtime";
import { clientGone, type Requester } from "@tapedeck/sessions";
import { parseCookie } from "cookie";
import type { Context } from "koa";

/** Names the session that a browser watches, for commands of the later legacy dashboard, which name none. */
export const sessionCookie = "tapedeck_session";

/** Who sends a request. */
export interface Caller {
  /** The request's audit entry, to which a handler may add what only it knows. */
  readonly audit: AuditContext;
  readonly principal: Principal;
  readonly address: string;
  readonly userAgent: string | undefined;
  readonly origin: string | undefined;
  /** Distinguishes pages of one browser and origin. */
  readonly pageTag: string;
  /** The session of the `tapedeck_session` cookie. Clients choose it, so it must be looked up before it is used. */
  readonly cookieSession: string | undefined;
  /** Counts and cancels expensive work of this request. */
  readonly requester: Requester;
}

export function callerOf(ctx: Context, trusted: TrustedProxies, principal: Principal): Caller {
  const { authorization, cookie, origin, "user-agent": userAgent } = ctx.req.headers;
  const address = addressOf(ctx, trusted);
  return {
    audit: auditContextOf(ctx),
    principal,
    address,
    userAgent,
    origin,
    pageTag: pageTag(authorization),
    cookieSession: cookie === undefined ? undefined : parseCookie(cookie)[sessionCookie],
    requester: { user: clientKey(principal, address), signal: disconnectSignal(ctx.res) },
  };
}

export function addressOf(ctx: Context, trusted: TrustedProxies): string {
  return clientAddress(ctx.req.socket.remoteAddress ?? "", ctx.get("x-forwarded-for") || undefined, trusted);
}

/** Aborts if the connection closes before the answer is written. */
function disconnectSignal(response: ServerResponse): AbortSignal {
  const disconnected = new AbortController();
  response.once("close", () => {
    if (!response.writableFinished) disconnected.abort(clientGone());
  });
  return disconnected.signal;
}

/** How a route appears in the audit trail when it succeeds. */
export interface RouteAudit {
  readonly event: AuditEvent;
  readonly action: string;
}

/** The audit entry of a request, completed as its parts become known. */
interface AuditContext {
  /** Method and path as in the route table. */
  endpoint?: string;
  route?: RouteAudit | undefined;
  principal?: Principal;
  session?: string | undefined;
  tape?: string | undefined;
  link?: string | undefined;
  key?: string | undefined;
}

const contexts = new WeakMap<IncomingMessage, AuditContext>();

export function auditContextOf({ req }: { readonly req: IncomingMessage }): AuditContext {
  const context = contexts.get(req) ?? {};
  contexts.set(req, context);
  return context;
}
