import { controlRefusal, type VenueKey } from "@tapedeck/access";
import {
  createVenueKeyAnswer,
  isoOfMs,
  RefusedError,
  refuse,
  sessionParams,
  successAnswer,
  type VenueKeyView,
  venueKeyBody,
  venueKeysAnswer,
} from "@tapedeck/protocol";
import type { SessionRecord } from "@tapedeck/sessions";
import { z } from "zod";
import type { Api } from "../api.js";
import type { Caller } from "../auth/caller.js";
import { noInput, type Route, route } from "../http/route.js";
import { findSession, sessionNotFound, throwIfRefused } from "../sessions/session-access.js";

const tag = "Venue keys";
const keyParams = sessionParams.extend({ key: z.string().max(100).meta({ description: "a key's `api_key`" }) });

/** Keys with which clients of an exchange sign requests to one session's venue. Who may control the session makes them. */
export const venueKeyRoutes: readonly Route[] = [
  route({
    ...noInput,
    method: "POST",
    path: "/sessions/{id}/venue-keys",
    audit: { event: "venue_key", action: "venue_key" },
    tag,
    summary: "Make a key to the session's venue; the secret is answered once",
    params: sessionParams,
    body: venueKeyBody,
    answer: createVenueKeyAnswer,
    status: 201,
    refusals: ["SESSION_NOT_FOUND", "TOO_MANY_VENUE_KEYS"],
    async handle({ params: { id }, body: { name, public_key: publicKey }, caller }, api) {
      const session = await controlledSession(api, id, caller);
      await api.access.rateLimiter.count("commands", caller.principal, caller.address);
      const key = await api.access.venueKeys.create(session, caller.principal, { name, publicKey });
      caller.audit.key = key.id;
      const { credential } = key;
      return { ...viewOf(key), ...(credential.kind === "HMAC" && { secret: credential.secret }) };
    },
  }),
  route({
    ...noInput,
    method: "GET",
    path: "/sessions/{id}/venue-keys",
    tag,
    summary: "Keys to the session's venue, without secrets",
    params: sessionParams,
    answer: venueKeysAnswer,
    refusals: ["SESSION_NOT_FOUND"],
    async handle({ params: { id }, caller }, api) {
      const session = await controlledSession(api, id, caller);
      return { venue_keys: (await api.access.venueKeys.list(session)).map(viewOf) };
    },
  }),
  route({
    ...noInput,
    method: "DELETE",
    path: "/sessions/{id}/venue-keys/{key}",
    audit: { event: "venue_key_removal", action: "remove_venue_key" },
    tag,
    summary: "Remove a key to the session's venue; requests signed with it are refused from then on",
    params: keyParams,
    answer: successAnswer,
    refusals: ["SESSION_NOT_FOUND", "VENUE_KEY_NOT_FOUND"],
    async handle({ params: { id, key }, caller }, api) {
      const session = await controlledSession(api, id, caller);
      const removed = await api.access.venueKeys.remove(session, key);
      if (removed === undefined)
        throw new RefusedError(refuse("VENUE_KEY_NOT_FOUND", `Session ${id} has no such venue key.`));
      caller.audit.key = removed;
      return { status: "success" as const, message: `Venue key ${key} is removed.` };
    },
  }),
];

async function controlledSession(api: Api, id: string, caller: Caller): Promise<SessionRecord> {
  const session = await findSession(api, id, caller);
  if (session === undefined) throw sessionNotFound(id);
  throwIfRefused(controlRefusal(caller.principal, session.record));
  return session.record;
}

function viewOf({ apiKey, credential, name, createdMs, createdBy }: VenueKey): VenueKeyView {
  return { api_key: apiKey, kind: credential.kind, name, created_at: isoOfMs(createdMs), created_by: createdBy };
}
