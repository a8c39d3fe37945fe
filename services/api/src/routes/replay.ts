import {
  type CommandName,
  commandArguments,
  commandNames,
  controlAnswer,
  decimalText,
  globalSessionId,
  nullMeansAbsent,
  parseCommand,
  type RefusalCode,
  type ReplayState,
  type SessionView,
  stateAnswer,
} from "@tapedeck/protocol";
import { z } from "zod";
import type { Api } from "../api.js";
import type { RouteAudit } from "../auth/act.js";
import type { Caller } from "../auth/caller.js";
import { refusedFor } from "../http/error-responses.js";
import { noInput, type Route, route } from "../http/route.js";
import { findSession, performCommand, sessionViewOf } from "../sessions/session-access.js";
import { idParams } from "./parameters.js";

const tag = "Replay";

type Answer = z.infer<typeof controlAnswer>;
type Control = Exclude<CommandName, "mode">;

interface ControlSpec {
  readonly status: Answer["status"];
  readonly summary: string;
  readonly refusals?: readonly RefusalCode[];
  /** The argument that stands beside the command's name in the path. */
  readonly value?: Readonly<Record<string, z.ZodType>>;
}

const controls: Readonly<Record<Control, ControlSpec>> = {
  start: { status: "started", summary: "Play from the playhead; from the start when stopped" },
  pause: { status: "paused", summary: "Freeze the playhead" },
  resume: { status: "resumed", summary: "Go on from where it was paused" },
  stop: { status: "stopped", summary: "Go back to the start and stop" },
  speed: {
    status: "success",
    summary: "Play at so many seconds of tape a second",
    refusals: ["LOOP_TOO_SHORT"],
    value: { value: decimalText(z.number()).meta({ description: "0.1 to 1000", example: 5 }) },
  },
  goback: {
    status: "success",
    summary: "Rewind by seconds of tape",
    value: { seconds: decimalText(z.number()).meta({ description: "above 0, fractions allowed", example: 10 }) },
  },
  seek: {
    status: "success",
    summary: "Jump to a time, a frame, a fraction or an event",
    refusals: ["NO_EVENT", "TOO_MANY_REQUESTS"],
  },
  step: { status: "success", summary: "Pause and move by frames or milliseconds, forward or back" },
  range: { status: "success", summary: "Play only a part, once or for ever", refusals: ["LOOP_TOO_SHORT"] },
  order: {
    status: "success",
    summary: "Trade at market in the session's own simulated market",
    refusals: ["NOT_SIMULATION", "NOT_PLAYING", "NOT_FILLED", "TOO_MANY_ORDERS", "TOO_MANY_REQUESTS"],
  },
  live: { status: "success", summary: "Jump to the edge of a live tape", refusals: ["NOT_LIVE"] },
};

const controlNames = commandNames.filter((name): name is Control => name !== "mode");
const list = controlNames.map((name) => ({ name, ...controls[name] }));

/** The name, and its value where it has one: `pause`, `speed/{value}`. */
function words({ name, value = {} }: (typeof list)[number]): string {
  return [name, ...Object.keys(value).map((key) => `{${key}}`)].join("/");
}

/**
 * Action-first paths come before id-first ones, so that a first segment which is an action's name is read as one. Only
 * the id-first order is used by the dashboard that later names no session, so only its answers set the cookie.
 */
export const replayRoutes: readonly Route[] = [
  route({
    ...noInput,
    method: "GET",
    path: "/replay/state",
    tag,
    summary: "The shared session; empty while it is absent",
    answer: stateAnswer,
    handle: ({ caller }, api) => stateOf(api, globalSessionId, caller),
  }),
  route({
    ...noInput,
    method: "GET",
    path: "/replay/state/{id}",
    tag,
    summary: "One session",
    params: idParams,
    answer: stateAnswer,
    refusals: ["SESSION_NOT_FOUND"],
    handle: ({ params: { id }, caller }, api) => stateOf(api, id, caller),
  }),
  ...list.map((control) => globalControl(control)),
  ...list.map((control) => sessionControl(control, `/replay/${words(control)}/{id}`, "action first")),
  route({
    ...noInput,
    method: "GET",
    path: "/replay/{id}/state",
    tag,
    summary: "One session",
    params: idParams,
    answer: stateAnswer,
    refusals: ["SESSION_NOT_FOUND"],
    async handle({ params: { id }, caller, rememberSession }, api) {
      const state = await stateOf(api, id, caller);
      await rememberSession(id);
      return state;
    },
  }),
  ...list.map((control) => sessionControl(control, `/replay/{id}/${words(control)}`, "id first")),
];

function globalControl(control: (typeof list)[number]): Route {
  return route({
    ...noInput,
    method: "POST",
    path: `/replay/${words(control)}`,
    audit: auditOf(control),
    tag,
    summary: `${control.summary} (the shared session)`,
    params: z.object(control.value ?? {}),
    body: bodyOf(control),
    nullMeansAbsent: nullMeansAbsent.has(control.name),
    answer: controlAnswer,
    refusals: ["NO_TAPE", ...(control.refusals ?? [])],
    handle: ({ params, body, caller }, api) => perform(api, globalSessionId, control, { params, body }, caller),
  });
}

function sessionControl(control: (typeof list)[number], path: string, order: "action first" | "id first"): Route {
  return route({
    ...noInput,
    method: "POST",
    path,
    audit: auditOf(control),
    tag,
    summary: control.summary,
    params: idParams.extend(control.value ?? {}),
    body: bodyOf(control),
    nullMeansAbsent: nullMeansAbsent.has(control.name),
    answer: controlAnswer,
    refusals: ["SESSION_NOT_FOUND", "NO_TAPE", ...(control.refusals ?? [])],
    async handle({ params, body, caller, rememberSession }, api) {
      const { id } = idParams.parse(params);
      const answer = await perform(api, id, control, { params, body }, caller);
      if (order === "id first") await rememberSession(id);
      return answer;
    },
  });
}

function auditOf({ name }: (typeof list)[number]): RouteAudit {
  return { event: name === "order" ? "order" : "command", action: name };
}

/** Where the path has the value, nothing is asked of the body. */
function bodyOf({ name, value }: (typeof list)[number]): z.ZodType {
  return value === undefined ? commandArguments[name] : z.object({});
}

async function perform(
  api: Api,
  id: string,
  { name, status, value }: (typeof list)[number],
  { params, body }: { params: object; body: unknown },
  caller: Caller,
): Promise<Answer> {
  const parsed = parseCommand(name, value === undefined ? body : params);
  if (!("ok" in parsed)) throw refusedFor(parsed);
  return { status, ...replayStateOf(await performCommand(api, id, parsed.ok, caller)) };
}

async function stateOf(api: Api, id: string, caller: Caller): Promise<z.infer<typeof stateAnswer>> {
  const found = await findSession(api, id, caller);
  return found ? replayStateOf(await sessionViewOf(api, found)) : {};
}

function replayStateOf(view: SessionView): ReplayState {
  return { ...view, is_playing: view.state === "PLAYING", is_paused: view.state === "PAUSED" };
}
