import { globalSessionId, RefusedError, refuse } from "@tapedeck/protocol";
import type { Api } from "../api.js";
import type { Caller } from "../auth/caller.js";
import { pagesOf } from "./legacy-pages.js";

/**
 * The session that `POST /mode` without an id means. The later legacy dashboard opens `/ws/{id}` and then names no session:
 * on our own origin its cookie does; elsewhere, where that is allowed, its commands and its open socket do. A client that watches no
 * session of its own means the shared one. A cookie outlives its session, so one that names none any more counts for nothing.
 *
 * @throws RefusedError 409 when the page watches a session of its own, and nothing says which
 */
export async function legacyPageSession(caller: Caller, api: Api): Promise<string> {
  const { cookieSession } = caller;
  if (cookieSession !== undefined && (await api.store.read(cookieSession)) !== undefined) return cookieSession;

  const { commanded, watched } = await pagesOf(caller, api);
  if (!api.legacyModeGuess) {
    const own = [...commanded, ...watched].some((id) => id !== globalSessionId);
    if (caller.origin === undefined || !own) return globalSessionId;
    throw ambiguousSession(
      "This page watches a session of its own, and LEGACY_MODE_GUESS is off, so it is not looked for",
    );
  }
  const own = commanded.length > 1 ? commanded.filter((id) => watched.includes(id)) : commanded;
  const candidates = commanded.length > 0 ? own : watched;
  if (candidates.length === 1) return candidates[0] ?? globalSessionId;
  if (candidates.length === 0 && commanded.length === 0) return globalSessionId;
  throw ambiguousSession(`This page may mean any of ${Math.max(candidates.length, commanded.length)} sessions`);
}

function ambiguousSession(why: string): RefusedError {
  return new RefusedError(refuse("WHICH_SESSION", `${why}; say which one with /mode/{id}. Nothing was changed.`));
}
