import {
  globalSessionId,
  modeAnswer,
  modeBody,
  modeChoice,
  modeStateAnswer,
  type RefusalCode,
  type SessionView,
  sessionParams,
} from "@tapedeck/protocol";
import type { z } from "zod";
import type { Api } from "../api.js";
import type { Caller } from "../auth/caller.js";
import { noInput, type Route, route } from "../http/route.js";
import { legacyPageSession } from "../sessions/legacy-page-session.js";
import { findSession, performCommand, sessionViewOf } from "../sessions/session-access.js";

const tag = "Mode";
const refusals: readonly RefusalCode[] = ["TAPE_NOT_FOUND", "NO_TAPE", "TOO_MANY_INSTRUMENTS"];

export const modeRoutes: readonly Route[] = [
  route({
    ...noInput,
    method: "POST",
    path: "/mode",
    audit: { event: "command", action: "mode" },
    tag,
    summary: "Change the mode of the session named in the body or by the cookie, otherwise of `global`",
    body: modeBody,
    nullMeansAbsent: true,
    answer: modeAnswer,
    refusals: ["SESSION_NOT_FOUND", "WHICH_SESSION", ...refusals],
    async handle({ body: { session_id, ...choice }, caller }, api) {
      return changeMode(api, session_id ?? (await legacyPageSession(caller, api)), choice, caller);
    },
  }),
  route({
    ...noInput,
    method: "POST",
    path: "/mode/{id}",
    audit: { event: "command", action: "mode" },
    tag,
    summary: "Change the mode of a session",
    params: sessionParams,
    body: modeChoice,
    nullMeansAbsent: true,
    answer: modeAnswer,
    refusals: ["SESSION_NOT_FOUND", ...refusals],
    handle: ({ params: { id }, body, caller }, api) => changeMode(api, id, body, caller),
  }),
  route({
    ...noInput,
    method: "GET",
    path: "/mode",
    tag,
    summary: "Mode of the session `global`; {} while it is absent",
    answer: modeStateAnswer,
    handle: ({ caller }, api) => modeOf(api, globalSessionId, caller),
  }),
  route({
    ...noInput,
    method: "GET",
    path: "/mode/{id}",
    tag,
    summary: "Mode of a session",
    params: sessionParams,
    answer: modeStateAnswer,
    refusals: ["SESSION_NOT_FOUND"],
    handle: ({ params: { id }, caller }, api) => modeOf(api, id, caller),
  }),
];

async function changeMode(api: Api, id: string, choice: z.infer<typeof modeChoice>, caller: Caller) {
  return withMode(await performCommand(api, id, { type: "mode", ...choice }, caller));
}

async function modeOf(api: Api, id: string, caller: Caller): Promise<z.infer<typeof modeStateAnswer>> {
  const found = await findSession(api, id, caller);
  return found ? withMode(await sessionViewOf(api, found)) : {};
}

function withMode(view: SessionView): z.infer<typeof modeAnswer> {
  return { status: "success", symbol: view.active_symbol, source: view.active_source, ...view };
}
