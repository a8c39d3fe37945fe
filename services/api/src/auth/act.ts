import type { IncomingMessage } from "node:http";
import type { AuditEvent, Principal } from "@tapedeck/access";

/** What a request is to the audit trail, besides a refusal. */
export interface RouteAudit {
  readonly event: AuditEvent;
  readonly action: string;
}

/** What the audit trail says of a request; each part is filled in where it becomes known. */
export interface AuditContext {
  /** Method and path as the route table has them. */
  endpoint?: string;
  route?: RouteAudit | undefined;
  principal?: Principal;
  session?: string | undefined;
  link?: string | undefined;
}

const contexts = new WeakMap<IncomingMessage, AuditContext>();

/** The act of this request. */
export function auditContextOf({ req }: { readonly req: IncomingMessage }): AuditContext {
  const act = contexts.get(req) ?? {};
  contexts.set(req, act);
  return act;
}
