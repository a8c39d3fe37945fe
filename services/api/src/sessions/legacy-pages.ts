import { globalSessionId } from "@tapedeck/protocol";
import {
  isModelTestSession,
  legacyCommandEntry,
  legacyEntryTtlMs,
  legacyFingerprint,
  sessionsOfEntries,
  tagsBySession,
  untagged,
} from "@tapedeck/runtime";
import { orUnavailable } from "@tapedeck/sessions";
import type { Api } from "../api.js";
import type { Caller } from "../auth/caller.js";
import { redisNow } from "../monitoring/redis-now.js";

/** Per browser; the oldest go first. */
const maxRecords = 1000;

/** Notes that a page has commanded a session by its id. What is no page of a browser sends no Origin, and is not noted. */
export async function recordPageCommand(caller: Caller, id: string, { redis, keys, log }: Api): Promise<void> {
  if (caller.origin === undefined || isModelTestSession(id) || id === globalSessionId) return;
  const key = keys.legacyPages(fingerprintOf(caller));
  try {
    await redis
      .multi()
      .zadd(key, Math.floor(await redisNow(redis)), legacyCommandEntry(id, caller.pageMark))
      .zremrangebyrank(key, 0, -maxRecords - 1)
      .pexpire(key, legacyEntryTtlMs)
      .exec();
  } catch (error) {
    // The command is done. A later `/mode` of this page without an id may be refused, and that is told.
    log.debug({ err: error, session: id }, "page not noted");
  }
}

/** What is known of the pages of a caller's address, User-Agent and Origin. */
export interface LegacyPages {
  /** Sessions that this very page has commanded; none of a page without an Authorization, which nothing tells from others. */
  readonly commanded: readonly string[];
  /** Sessions with an open socket that this page may be watching, `global` among them. */
  readonly watched: readonly string[];
}

export async function pagesOf(caller: Caller, { redis, keys }: Api): Promise<LegacyPages> {
  const fingerprint = fingerprintOf(caller);
  // Gateways renew an entry while the socket is open; one past its deadline is of a socket that is gone.
  const open = redisNow(redis).then((now) => redis.zrangebyscore(keys.legacy(fingerprint), `(${now}`, "+inf"));
  const [sockets, pages] = await orUnavailable(
    Promise.all([open, redis.zrange(keys.legacyPages(fingerprint), "0", "-1")]),
  );
  const marks = tagsBySession(pages);
  return {
    commanded: caller.pageMark === untagged ? [] : sessionsWith(caller.pageMark, marks),
    watched: sessionsOfEntries(sockets).filter((id) => !isModelTestSession(id) && mayBelongTo(caller, marks.get(id))),
  };
}

function sessionsWith(mark: string, marks: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  return [...marks].filter(([, each]) => each.has(mark)).map(([id]) => id);
}

/** A page sends an Authorization with all commands or with none, but another one after its user has signed in again. */
function mayBelongTo({ pageMark }: Caller, marks: ReadonlySet<string> | undefined): boolean {
  if (marks === undefined) return true;
  return pageMark === untagged ? marks.has(untagged) : [...marks].some((mark) => mark !== untagged);
}

function fingerprintOf({ address, userAgent, origin }: Caller): string {
  return legacyFingerprint(address, userAgent, origin);
}
