import { isSessionId, type RefusalCode } from "@tapedeck/protocol";
import { type Logger, type RedisConnection, throttledLog } from "@tapedeck/runtime";
import type { Keys } from "@tapedeck/sessions";
import { anonymous, type Principal } from "./principal.js";

/** The kinds of audit trail entries; docs/security.md describes each. */
export const auditEvents = [
  "refusal",
  "limit",
  "command",
  "order",
  "deletion",
  "share",
  "revocation",
  "venue_key",
  "venue_key_removal",
  "admin_view",
] as const;
export type AuditEvent = (typeof auditEvents)[number];

/** One action of a client, performed or refused. */
export interface AuditEntry {
  readonly event: AuditEvent;
  /** The name of a command, `watch` for a socket, otherwise method and route. Never text chosen by a client. */
  readonly action: string;
  /** Undefined until a token has been accepted. */
  readonly principal: Principal | undefined;
  readonly address: string;
  readonly session?: string | undefined;
  /** The tape's `id` or `id@version`, for what is done to a tape. */
  readonly tape?: string | undefined;
  /** Id of the created or revoked share link. */
  readonly link?: string | undefined;
  /** Id of the created or removed venue key: not the key. */
  readonly key?: string | undefined;
  readonly requestId?: string | number | undefined;
  readonly result: "ok" | RefusalCode;
  /** Why the action was refused. Contains no token. */
  readonly reason?: string | undefined;
}

export type Audit = (entry: AuditEntry) => void;

interface AuditOptions {
  readonly log: Logger;
  readonly redis: RedisConnection;
  readonly keys: Pick<Keys, "audit">;
  /** Approximate number of entries in the stream; 0 disables it. */
  readonly entries: number;
}

/** Clients choose these ids. An id of this length cannot contain a token, which is longer. */
const requestIdPattern = /^[\w.:-]{1,64}$/;

/** What a tape may be called: nothing else that a client sends in its place is written. */
const tapePattern = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}(?:@\d{1,9})?$/;

/**
 * Writes the audit trail: one log line for each action, at `info` whatever LOG_LEVEL says (except `silent`), and optionally an entry of a
 * stream in Redis. The log is the record: the stream lacks what happens while Redis is unavailable.
 */
export function createAudit({ log, redis, keys, entries }: AuditOptions): Audit {
  const trail = log.child({ audit: true }, { level: log.level === "silent" ? "silent" : "info" });
  const problems = throttledLog(log);
  const reportFailure = (error: unknown) =>
    problems.warn({ err: error }, "failed to append to the audit stream; the log has the entry");
  return (entry) => {
    const fields = fieldsOf(entry);
    trail.info(fields, `${entry.action}: ${entry.result}`);
    if (entries === 0 || redis.status !== "ready") return;
    const { service, node } = log.bindings();
    const flat = Object.entries({ service, node, ...fields }).flatMap(([name, value]) => [name, String(value)]);
    redis.xadd(keys.audit, "MAXLEN", "~", entries, "*", ...flat).catch(reportFailure);
  };
}

function fieldsOf({
  event,
  action,
  principal,
  address,
  session,
  tape,
  link,
  key,
  requestId,
  result,
  reason,
}: AuditEntry) {
  const authenticated = principal !== undefined && principal !== anonymous;
  return {
    event,
    action,
    result,
    ...(authenticated && principal.userId !== "" && { user: principal.userId }),
    ...(authenticated && { role: principal.role }),
    ...(authenticated && principal.share !== undefined && { share: principal.share.id }),
    address,
    ...(session !== undefined && isSessionId(session) && { session }),
    ...(tape !== undefined && tapePattern.test(tape) && { tape }),
    ...(link !== undefined && requestIdPattern.test(link) && { link }),
    ...(key !== undefined && requestIdPattern.test(key) && { key }),
    ...(requestId !== undefined && requestIdPattern.test(`${requestId}`) && { request_id: `${requestId}` }),
    ...(reason !== undefined && { reason }),
  };
}
