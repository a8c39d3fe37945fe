import { RefusedError, refuse } from "@tapedeck/protocol";
import { parseSimulatedName, type Tape, TapeNotFound } from "@tapedeck/tape";
import type { Api } from "../api.js";
import type { Caller } from "../auth/caller.js";
import { findSession } from "../sessions/session-access.js";

/** The tape of the caller's shared session, "" while it has none; undefined for callers without a share link. */
export async function sharedTape(api: Api, caller: Caller): Promise<string | undefined> {
  const { share } = caller.principal;
  return share && ((await findSession(api, share.sessionId, caller))?.record.tape ?? "");
}

/** A share link can read only the tape that its session plays. */
export async function checkMayRead(api: Api, id: string, caller: Caller): Promise<void> {
  const shared = await sharedTape(api, caller);
  if (shared === undefined || id === shared) return;
  throw new RefusedError(refuse("FORBIDDEN", "A share link can read only the tape that its session plays."));
}

/**
 * A tape that the caller may read. A tape with orders of a user is its session's alone, which has its track at `/sessions/{id}`. Rejects as
 * `TapeCatalog.open` does, and with `FORBIDDEN`.
 */
export async function openReadable(api: Api, id: string, caller: Caller): Promise<Tape> {
  await checkMayRead(api, id, caller);
  if (parseSimulatedName(id)?.fork !== undefined) throw new TapeNotFound(id);
  return api.tapes.open(id);
}
