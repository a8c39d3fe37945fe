import { isSessionId, type RefusalCode } from "@tapedeck/protocol";
import { type Logger, type RedisConnection, throttledLog } from "@tapedeck/runtime";
import type { Keys } from "@tapedeck/sessions";
import { anonymous, type Principal } from "./principal.js";

/** What the audit trail has a line of; docs/security.md says what each stands for. */
export const auditEvents = [
  "refusal",
  "limit",
  "command",
  "order",
  "deletion",
  "share",
  "revocation",
  "admin_view",
] as const;
export type AuditEvent = (typeof auditEvents)[number];

/** One act of a client, done or refused. */
export interface AuditEntry {
  readonly event: AuditEvent;
  /** What was asked for: a command's name, `watch` for a socket, otherwise method and route. Never a client's own words. */
  readonly action: string;
  /** Undefined until a token has said who it is. */
  readonly principal: Principal | undefined;
  readonly address: string;
  readonly session?: string | undefined;
  /** Id of the share link that was made or revoked. */
  readonly link?: string | undefined;
  readonly requestId?: string | number | undefined;
  readonly result: "ok" | RefusalCode;
  /** Why a refusal, in words that hold no token. */
  readonly reason?: string | undefined;
}

export type Audit = (act: AuditEntry) => void;

export interface AuditOptions {
  readonly log: Logger;
  readonly redis: RedisConnection;
  readonly keys: Pick<Keys, "audit">;
  /** Entries that the stream keeps, about; 0: there is no stream. */
  readonly entries: number;
}

/** Ids are the client's to choose. One that is no longer than this cannot hold a token, which has more characters. */
const requestIdPattern = /^[\w.:-]{1,64}$/;

/**
 * The audit trail: a line of the log for each act, at `info` whatever LOG_LEVEL says, unless that is `silent`; and an entry of a stream
 * in Redis, if one is kept. The log is the record: the stream lacks what happens while Redis is away.
 */
export function createAudit({ log, redis, keys, entries }: AuditOptions): Audit {
  const trail = log.child({ audit: true }, { level: log.level === "silent" ? "silent" : "info" });
  const trouble = throttledLog(log);
  const untold = (error: unknown) => trouble.warn({ err: error }, "the audit stream lacks an entry that the log has");
  return (act) => {
    const fields = fieldsOf(act);
    trail.info(fields, `${act.action}: ${act.result}`);
    if (entries === 0 || redis.status !== "ready") return;
    const { service, node } = log.bindings();
    const flat = Object.entries({ service, node, ...fields }).flatMap(([name, value]) => [name, String(value)]);
    redis.xadd(keys.audit, "MAXLEN", "~", entries, "*", ...flat).catch(untold);
  };
}

function fieldsOf({ event, action, principal: who, address, session, link, requestId, result, reason }: AuditEntry) {
  const known = who !== undefined && who !== anonymous;
  return {
    event,
    action,
    result,
    ...(known && who.userId !== "" && { user: who.userId }),
    ...(known && { role: who.role }),
    ...(known && who.share !== undefined && { share: who.share.id }),
    address,
    ...(session !== undefined && isSessionId(session) && { session }),
    ...(link !== undefined && requestIdPattern.test(link) && { link }),
    ...(requestId !== undefined && requestIdPattern.test(`${requestId}`) && { request_id: `${requestId}` }),
    ...(reason !== undefined && { reason }),
  };
}
