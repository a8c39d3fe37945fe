import { globalSessionId, RefusedError, refuse } from "@tapedeck/protocol";
import { legacyFingerprint, notedSessions } from "@tapedeck/runtime";
import { answered } from "@tapedeck/sessions";
import type { Api } from "./api.js";
import type { Caller } from "./caller.js";
import { redisNow } from "./redis-now.js";

/**
 * The session that `POST /mode` without an id means. The later legacy dashboard opens `/ws/{id}` and then names no session:
 * on our own origin its cookie does; elsewhere, where that is allowed, its open socket does; anyone else means the shared
 * session. A cookie outlives its session, so one that names none any more counts for nothing.
 *
 * @throws RefusedError 409 when the browser watches several sessions and nothing says which is meant
 */
export async function sessionMeantBy(caller: Caller, api: Api): Promise<string> {
  const { cookieSession } = caller;
  if (cookieSession !== undefined && (await api.store.read(cookieSession)) !== undefined) return cookieSession;
  if (!api.legacyModeGuess) return globalSessionId;

  const watched = await sessionsWatchedBy(caller, api);
  const [only] = watched;
  if (watched.length > 1) {
    throw new RefusedError(
      refuse(
        "WHICH_SESSION",
        `This browser watches ${watched.length} sessions; say which one with /mode/{id}. Nothing was changed.`,
      ),
    );
  }
  return only ?? globalSessionId;
}

/** Gateways renew an entry while the socket is open; one past its deadline is of a socket that is gone. */
async function sessionsWatchedBy({ address, userAgent, origin }: Caller, { redis, keys }: Api): Promise<string[]> {
  const key = keys.legacy(legacyFingerprint(address, userAgent, origin));
  return notedSessions(await answered(redis.zrangebyscore(key, `(${await redisNow(redis)}`, "+inf")));
}
