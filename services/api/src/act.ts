import type { IncomingMessage } from "node:http";
import type { AuditEvent, Principal } from "@tapedeck/access";

/** What a request is to the audit trail, besides a refusal. */
export interface AuditedRoute {
  readonly event: AuditEvent;
  readonly action: string;
}

/** What the audit trail says of a request; each part is filled in where it becomes known. */
export interface Act {
  /** Method and path as the route table has them. */
  asked?: string;
  route?: AuditedRoute | undefined;
  who?: Principal;
  session?: string | undefined;
  link?: string | undefined;
}

const acts = new WeakMap<IncomingMessage, Act>();

/** The act of this request. */
export function actOf({ req }: { readonly req: IncomingMessage }): Act {
  const act = acts.get(req) ?? {};
  acts.set(req, act);
  return act;
}
