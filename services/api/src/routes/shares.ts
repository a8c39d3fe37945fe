import { ownerRefusal, type ShareLinks, type ShareRecord } from "@tapedeck/access";
import {
  createShareAnswer,
  isoOfMs,
  RefusedError,
  refuse,
  type ShareView,
  sessionParams,
  shareBody,
  sharesAnswer,
  successAnswer,
} from "@tapedeck/protocol";
import type { StoredSession } from "@tapedeck/sessions";
import { z } from "zod";
import type { Api } from "../api.js";
import type { Caller } from "../auth/caller.js";
import { noInput, type Route, route } from "../http/route.js";
import { findSession, sessionNotFound, throwIfRefused } from "../sessions/session-access.js";

const tag = "Sharing";
const shareParams = sessionParams.extend({ share: z.string().max(40).meta({ description: "a share link's id" }) });

/** Links with which others may view one session, or also control it. Only its owner creates and revokes them. */
export const shareRoutes: readonly Route[] = [
  route({
    ...noInput,
    method: "POST",
    path: "/sessions/{id}/shares",
    audit: { event: "share", action: "share" },
    tag,
    summary: "Create a share link; send its token like a user's token",
    params: sessionParams,
    body: shareBody,
    answer: createShareAnswer,
    status: 201,
    refusals: ["SESSION_NOT_FOUND", "SHARING_OFF"],
    async handle({ params: { id }, body: { role, expires_in_s: seconds }, caller }, api) {
      const { links, session } = await ownSession(api, id, caller);
      const { userId } = caller.principal;
      const { token, ...record } = await links.create(session.record, userId, { role, seconds });
      caller.audit.link = record.id;
      return { share: viewOf(record), token };
    },
  }),
  route({
    ...noInput,
    method: "GET",
    path: "/sessions/{id}/shares",
    tag,
    summary: "Valid share links of a session",
    params: sessionParams,
    answer: sharesAnswer,
    refusals: ["SESSION_NOT_FOUND", "SHARING_OFF"],
    async handle({ params: { id }, caller }, api) {
      const { links } = await ownSession(api, id, caller);
      return { shares: (await links.list(id)).map(viewOf) };
    },
  }),
  route({
    ...noInput,
    method: "DELETE",
    path: "/sessions/{id}/shares/{share}",
    audit: { event: "revocation", action: "revoke" },
    tag,
    summary: "Revoke a share link; its sockets close with 4401 within seconds",
    params: shareParams,
    answer: successAnswer,
    refusals: ["SESSION_NOT_FOUND", "SHARE_NOT_FOUND", "SHARING_OFF"],
    async handle({ params: { id, share }, caller }, api) {
      const { links } = await ownSession(api, id, caller);
      if (!(await links.revoke(id, share))) {
        throw new RefusedError(refuse("SHARE_NOT_FOUND", `Session ${id} has no share link ${share}.`));
      }
      return { status: "success" as const, message: `Share link ${share} is revoked.` };
    },
  }),
];

async function ownSession(
  api: Api,
  id: string,
  caller: Caller,
): Promise<{ readonly links: ShareLinks; readonly session: StoredSession }> {
  const { shares: links, users } = api.access;
  if (links === undefined || !users.required) {
    const why = users.required
      ? "Share links need the setting SHARE_SECRET."
      : "Share links need authentication; without it anyone can open a session by its id.";
    throw new RefusedError(refuse("SHARING_OFF", `${why} Nothing was changed.`));
  }
  const session = await findSession(api, id, caller);
  if (session === undefined) throw sessionNotFound(id);
  throwIfRefused(ownerRefusal(caller.principal, session.record));
  return { links, session };
}

function viewOf({ id, role, createdMs, expiresMs, createdBy }: ShareRecord): ShareView {
  return { id, role, created_at: isoOfMs(createdMs), expires_at: isoOfMs(expiresMs), created_by: createdBy };
}
