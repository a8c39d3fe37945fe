import { globalSessionId, RefusedError, refuse } from "@tapedeck/protocol";
import {
  isModelTestSession,
  legacyCommandEntry,
  legacyEntryTtlMs,
  legacyFingerprint,
  redisTime,
  sessionsOfEntries,
  tagsBySession,
  untagged,
} from "@tapedeck/runtime";
import { orUnavailable } from "@tapedeck/sessions";
import type { Api } from "../api.js";
import type { Caller } from "../auth/caller.js";

/**
 * The session on which `POST /mode` without an id acts. The later legacy dashboard opens `/ws/{id}` but names no session in its commands.
 * On our own origin its cookie identifies the session, unless that session no longer exists; on other origins its earlier commands and its
 * open socket do, if `LEGACY_MODE_GUESS` is on. A client without a session of its own gets `global`.
 *
 * @throws RefusedError 409 if the page watches a session of its own that cannot be identified
 */
export async function legacyPageSession(caller: Caller, api: Api): Promise<string> {
  const { cookieSession } = caller;
  if (cookieSession !== undefined && (await api.store.read(cookieSession)) !== undefined) return cookieSession;

  const { commanded, watched } = await pagesOf(caller, api);
  if (!api.legacyModeGuess) {
    const own = [...commanded, ...watched].some((id) => id !== globalSessionId);
    if (caller.origin === undefined || !own) return globalSessionId;
    throw ambiguousSession("The request names no session, and LEGACY_MODE_GUESS is off");
  }
  const own = commanded.length > 1 ? commanded.filter((id) => watched.includes(id)) : commanded;
  const candidates = commanded.length > 0 ? own : watched;
  if (candidates.length === 1) return candidates[0] ?? globalSessionId;
  if (candidates.length === 0 && commanded.length === 0) return globalSessionId;
  throw ambiguousSession(
    `The request names no session, and ${Math.max(candidates.length, commanded.length)} sessions match this page`,
  );
}

function ambiguousSession(why: string): RefusedError {
  return new RefusedError(refuse("WHICH_SESSION", `${why}; name the session with /mode/{id}. Nothing was changed.`));
}

/** Per browser; beyond it the oldest are dropped. */
const maxRecords = 1000;

/** Records that a page has commanded a session by its id. Clients without an Origin are not pages, and not recorded. */
export async function recordPageCommand(caller: Caller, id: string, { redis, keys, log }: Api): Promise<void> {
  if (caller.origin === undefined || isModelTestSession(id) || id === globalSessionId) return;
  const key = keys.legacyPages(fingerprintOf(caller));
  try {
    await redis
      .multi()
      .zadd(key, Math.floor(await orUnavailable(redisTime(redis))), legacyCommandEntry(id, caller.pageTag))
      .zremrangebyrank(key, 0, -maxRecords - 1)
      .pexpire(key, legacyEntryTtlMs)
      .exec();
  } catch (error) {
    // The command has succeeded. A later `/mode` of this page without an id may be refused, with a message that says so.
    log.debug(
      { err: error, session: id },
      "failed to record a legacy page's command; its /mode without an id may be refused",
    );
  }
}

/** The sessions of pages with the caller's address, User-Agent and Origin. */
interface LegacyPages {
  /** Sessions that this page has commanded; empty without an Authorization, which distinguishes pages. */
  readonly commanded: readonly string[];
  /** Sessions with an open socket that this page may be watching, including `global`. */
  readonly watched: readonly string[];
}

async function pagesOf(caller: Caller, { redis, keys }: Api): Promise<LegacyPages> {
  const fingerprint = fingerprintOf(caller);
  // Gateways renew an entry while the socket is open; an entry past its deadline belongs to a closed socket.
  const open = orUnavailable(redisTime(redis)).then((now) =>
    redis.zrangebyscore(keys.legacy(fingerprint), `(${now}`, "+inf"),
  );
  const [sockets, pages] = await orUnavailable(
    Promise.all([open, redis.zrange(keys.legacyPages(fingerprint), "0", "-1")]),
  );
  const tags = tagsBySession(pages);
  return {
    commanded: caller.pageTag === untagged ? [] : sessionsWith(caller.pageTag, tags),
    watched: sessionsOfEntries(sockets).filter((id) => !isModelTestSession(id) && mayBelongTo(caller, tags.get(id))),
  };
}

function sessionsWith(tag: string, tags: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  return [...tags].filter(([, each]) => each.has(tag)).map(([id]) => id);
}

/** A page sends an Authorization with all commands or with none, but its value changes when the user signs in again. */
function mayBelongTo({ pageTag }: Caller, tags: ReadonlySet<string> | undefined): boolean {
  if (tags === undefined) return true;
  return pageTag === untagged ? tags.has(untagged) : [...tags].some((tag) => tag !== untagged);
}

function fingerprintOf({ address, userAgent, origin }: Caller): string {
  return legacyFingerprint(address, userAgent, origin);
}
