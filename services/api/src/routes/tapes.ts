import { overviewQuery, RefusedError, refuse, tapeOverview, tapesAnswer, tapeView } from "@tapedeck/protocol";
import { z } from "zod";
import type { Api } from "../api.js";
import type { Caller } from "../auth/caller.js";
import { noInput, type Route, route } from "../http/route.js";
import { findSession } from "../sessions/session-access.js";

const tag = "Tapes";
const tapeParams = z.object({
  id: z.string().meta({ description: "a tape's id, or id@version", example: "demo" }),
});

/** Answered from manifest and index; no frame is read. */
export const tapeRoutes: readonly Route[] = [
  route({
    ...noInput,
    method: "GET",
    path: "/tapes",
    tag,
    summary: "All tapes, newest first",
    answer: tapesAnswer,
    async handle({ caller }, api) {
      const shared = await sharedTape(api, caller);
      if (shared === undefined) return { tapes: await api.tapes.list() };
      return { tapes: shared === "" ? [] : [await api.tapes.view(shared)] };
    },
  }),
  route({
    ...noInput,
    method: "GET",
    path: "/tapes/{id}",
    tag,
    summary: "A tape",
    params: tapeParams,
    answer: tapeView,
    refusals: ["TAPE_NOT_FOUND", "TAPE_DAMAGED"],
    async handle({ params: { id }, caller }, api) {
      await checkMayRead(api, id, caller);
      return api.tapes.view(id);
    },
  }),
  route({
    ...noInput,
    method: "GET",
    path: "/tapes/{id}/overview",
    tag,
    summary: "Price line of a tape for a scrubber, with gaps and events",
    params: tapeParams,
    query: overviewQuery,
    answer: tapeOverview,
    refusals: ["TAPE_NOT_FOUND", "TAPE_DAMAGED", "TOO_MANY_REQUESTS"],
    async handle({ params: { id }, query: { points }, caller }, api) {
      await checkMayRead(api, id, caller);
      return api.searches.run(caller.requester, () => api.tapes.overview(id, points, caller.requester.signal));
    },
  }),
];

/** The tape of the caller's shared session, "" while it has none; undefined for callers without a share link. */
async function sharedTape(api: Api, caller: Caller): Promise<string | undefined> {
  const { share } = caller.principal;
  return share && ((await findSession(api, share.sessionId, caller))?.record.tape ?? "");
}

/** A share link can read only the tape that its session plays. */
async function checkMayRead(api: Api, id: string, caller: Caller): Promise<void> {
  const shared = await sharedTape(api, caller);
  if (shared === undefined || id === shared) return;
  throw new RefusedError(refuse("FORBIDDEN", "A share link can read only the tape that its session plays."));
}
