import { controlRefusal, viewRefusal } from "@tapedeck/access";
import { feedStatusOf } from "@tapedeck/live";
import {
  type Command,
  globalSessionId,
  isSessionId,
  sessionNotFound as notFound,
  type Refusal,
  RefusedError,
  type SessionView,
} from "@tapedeck/protocol";
import { type SessionRecord, type StoredSession, viewSession, waitsForItsTape } from "@tapedeck/sessions";
import { openIfExists, type Tape } from "@tapedeck/tape";
import type { Api } from "../api.js";
import type { Caller } from "../auth/caller.js";

/**
 * Finds a session that the caller may view.
 *
 * @returns undefined only for an absent `global`, which is created when it is needed
 * @throws RefusedError SESSION_NOT_FOUND
 */
export async function findSession(api: Api, id: string, { principal }: Caller): Promise<StoredSession | undefined> {
  const found = isSessionId(id) ? await api.store.read(id) : undefined;
  if (found === undefined && id !== globalSessionId) throw sessionNotFound(id);
  if (found === undefined) return undefined;
  throwIfRefused(viewRefusal(principal, found.record));
  return withLiveTape(api, found);
}

/** Switches a LIVE session that waits for its feed's tape to that tape, as a gateway does while the session is watched. */
export async function withLiveTape(api: Api, found: StoredSession): Promise<StoredSession> {
  return waitsForItsTape(found.record) ? api.sessions.perform(found.record.id, { type: "tune" }) : found;
}

/** Applies a command and returns the session's new view. Creates `global` if it is absent. */
export async function performCommand(api: Api, id: string, command: Command, caller: Caller): Promise<SessionView> {
  caller.audit.session = id;
  try {
    const view = await perform(api, id, command, caller);
    api.countCommand(command.type, "done");
    return view;
  } catch (error) {
    api.countCommand(command.type, error instanceof RefusedError ? error.code : "INTERNAL");
    throw error;
  }
}

async function perform(api: Api, id: string, command: Command, caller: Caller): Promise<SessionView> {
  if (!isSessionId(id)) throw sessionNotFound(id);
  await api.access.rateLimiter.count("commands", caller.principal, caller.address);
  if (id === globalSessionId) {
    throwIfRefused(controlRefusal(caller.principal, globalOwnership));
    await api.sessions.open(id, { createdBy: caller.address });
  } else if (api.access.users.required) {
    throwIfRefused(controlRefusal(caller.principal, (await existingSession(api, id)).record));
  }
  return sessionViewOf(api, await api.sessions.perform(id, command, caller.requester));
}

/**
 * A session as clients see it, with its playhead at the time `now` of the read. A request fails where the tape or the feed can't be read;
 * a gateway's `SessionMessages` leaves out what it can't read, since its clients wait for the rest.
 */
export async function sessionViewOf(api: Api, { record, now, connections }: StoredSession): Promise<SessionView> {
  const [tape, feed] = await Promise.all([
    record.tape === "" ? undefined : openIfExists(record.tape, api.tapes),
    feedStatusOf(record, api.live),
  ]);
  const isLost = tape === undefined && record.tape !== "" && record.mode !== "LIVE";
  const lost = { status: "down" as const, reason: `Tape ${record.tape} does not exist any more.` };
  return viewSession(record, { tape, now, connections, feed: isLost ? (feed ?? lost) : feed });
}

/** The tape that a session plays. A LIVE session whose tape was lost with Redis has none until its feed starts the next. */
export async function openTape(api: Api, { tape, mode }: SessionRecord): Promise<Tape | undefined> {
  if (tape === "") return undefined;
  return mode === "LIVE" ? openIfExists(tape, api.tapes) : api.tapes.open(tape);
}

/** Ownership of `global`, whether it exists or not. */
const globalOwnership = { id: globalSessionId, userId: "", createdAt: 0 };

async function existingSession(api: Api, id: string): Promise<StoredSession> {
  const found = await api.store.read(id);
  if (found === undefined) throw sessionNotFound(id);
  return found;
}

/** @throws RefusedError if there is a refusal */
export function throwIfRefused(refusal: Refusal | undefined): void {
  if (refusal !== undefined) throw new RefusedError(refusal);
}

export function sessionNotFound(id: string): RefusedError {
  return new RefusedError(notFound(id));
}
