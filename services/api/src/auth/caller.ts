import type { ServerResponse } from "node:http";
import { clientKey, type Principal } from "@tapedeck/access";
import { clientAddress, pageTag, type TrustedProxies } from "@tapedeck/runtime";
import { clientGone, type Requester } from "@tapedeck/sessions";
import { parseCookie } from "cookie";
import type { Context } from "koa";
import { type AuditContext, auditContextOf } from "./act.js";

/** Names the session that a browser watches, for commands of the later legacy dashboard that do not. */
export const sessionCookie = "tapedeck_session";

/** Who asks. */
export interface Caller {
  /** What the audit trail says of the request, for what only its handler knows. */
  readonly audit: AuditContext;
  readonly principal: Principal;
  readonly address: string;
  readonly userAgent: string | undefined;
  readonly origin: string | undefined;
  /** Tells pages of one browser and origin apart. */
  readonly pageMark: string;
  /** The session of the `tapedeck_session` cookie: the client's word, to be looked up before it is believed. */
  readonly cookieSession: string | undefined;
  /** By whom what takes its time is counted, and whether they still wait for it. */
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
    pageMark: pageTag(authorization),
    cookieSession: cookie === undefined ? undefined : parseCookie(cookie)[sessionCookie],
    requester: { user: clientKey(principal, address), signal: goneSignal(ctx.res) },
  };
}

export function addressOf(ctx: Context, trusted: TrustedProxies): string {
  return clientAddress(ctx.req.socket.remoteAddress ?? "", ctx.get("x-forwarded-for") || undefined, trusted);
}

/** Aborts when the connection ends before the answer is written. */
function goneSignal(response: ServerResponse): AbortSignal {
  const gone = new AbortController();
  response.once("close", () => {
    if (!response.writableFinished) gone.abort(clientGone());
  });
  return gone.signal;
}
