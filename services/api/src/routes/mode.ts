import {
  globalSessionId,
  modeAnswer,
  modeBody,
  modeChoice,
  modeStateAnswer,
  type RefusalCode,
  type SessionView,
} from "@tapedeck/protocol";
import type { z } from "zod";
import type { Api } from "../api.js";
import type { Caller } from "../caller.js";
import { bare, type Route, route } from "../route.js";
import { findSession, performOn, present } from "../session-access.js";
import { sessionMeantBy } from "../which-session.js";
import { idParams } from "./parameters.js";

const tag = "Mode";
const refusals: readonly RefusalCode[] = ["TAPE_NOT_FOUND", "NO_TAPE", "TOO_MANY_INSTRUMENTS"];

export const modeRoutes: readonly Route[] = [
  route({
    ...bare,
    method: "POST",
    path: "/mode",
    audit: { event: "command", action: "mode" },
    tag,
    summary: "Change the mode of the session named in the body or by the cookie; else of the shared one",
    body: modeBody,
    nullIsAbsent: true,
    answer: modeAnswer,
    refusals: ["SESSION_NOT_FOUND", "WHICH_SESSION", ...refusals],
    async handle({ body: { session_id, ...choice }, caller }, api) {
      return changeMode(api, session_id ?? (await sessionMeantBy(caller, api)), choice, caller);
    },
  }),
  route({
    ...bare,
    method: "POST",
    path: "/mode/{id}",
    audit: { event: "command", action: "mode" },
    tag,
    summary: "Change a session's mode",
    params: idParams,
    body: modeChoice,
    nullIsAbsent: true,
    answer: modeAnswer,
    refusals: ["SESSION_NOT_FOUND", ...refusals],
    handle: ({ params: { id }, body, caller }, api) => changeMode(api, id, body, caller),
  }),
  route({
    ...bare,
    method: "GET",
    path: "/mode",
    tag,
    summary: "Mode of the shared session; empty while it is absent",
    answer: modeStateAnswer,
    handle: ({ caller }, api) => modeOf(api, globalSessionId, caller),
  }),
  route({
    ...bare,
    method: "GET",
    path: "/mode/{id}",
    tag,
    summary: "A session's mode",
    params: idParams,
    answer: modeStateAnswer,
    refusals: ["SESSION_NOT_FOUND"],
    handle: ({ params: { id }, caller }, api) => modeOf(api, id, caller),
  }),
];

async function changeMode(api: Api, id: string, choice: z.infer<typeof modeChoice>, caller: Caller) {
  return withMode(await performOn(api, id, { type: "mode", ...choice }, caller));
}

async function modeOf(api: Api, id: string, caller: Caller): Promise<z.infer<typeof modeStateAnswer>> {
  const found = await findSession(api, id, caller);
  return found ? withMode(await present(api, found)) : {};
}

function withMode(view: SessionView): z.infer<typeof modeAnswer> {
  return { status: "success", symbol: view.active_symbol, source: view.active_source, ...view };
}
