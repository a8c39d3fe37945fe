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
  sessionParams,
  stateAnswer,
} from "@tapedeck/protocol";
import { z } from "zod";
import type { Api } from "../api.js";
import type { Caller, RouteAudit } from "../auth/caller.js";
import { refusedFor } from "../http/error-responses.js";
import { noInput, type Route, route } from "../http/route.js";
import { findSession, performCommand, sessionViewOf } from "../sessions/session-access.js";

const tag = "Replay";

type Answer = z.infer<typeof controlAnswer>;
type Control = Exclude<CommandName, "mode">;

interface ControlSpec {
  readonly status: Answer["status"];
  readonly summary: string;
  readonly refusals?: readonly RefusalCode[];
  /** The argument that follows the command's name in the path. */
  readonly value?: Readonly<Record<string, z.ZodType>>;
}

const controls: Readonly<Record<Control, ControlSpec>> = {
  start: { status: "started", summary: "Play from the playhead, or from the start if STOPPED" },
  pause: { status: "paused", summary: "Freeze the playhead" },
  resume: { status: "resumed", summary: "Continue playing from the playhead" },
  stop: { status: "stopped", summary: "Stop and return to the start" },
  speed: {
    status: "success",
    summary: "Set the speed in seconds of tape per second",
    refusals: ["LOOP_TOO_SHORT"],
    value: { value: decimalText(z.number()).meta({ description: "0.1 to 1000", example: 5 }) },
  },
  pace: {
    status: "success",
    summary: "Follow the clock, or wait for the slowest reader",
    refusals: ["LOOP_TOO_SHORT", "INVALID_VALUE"],
  },
  goback: {
    status: "success",
    summary: "Rewind by seconds of tape time",
    value: { seconds: decimalText(z.number()).meta({ description: "above 0; fractions are allowed", example: 10 }) },
  },
  seek: {
    status: "success",
    summary: "Jump to a time, a frame, a fraction or an event",
    refusals: ["NO_EVENT", "TOO_MANY_REQUESTS"],
  },
  step: { status: "success", summary: "Pause and move by frames or milliseconds, forward or backward" },
  range: { status: "success", summary: "Limit playback to a range, once or in a loop", refusals: ["LOOP_TOO_SHORT"] },
  order: {
    status: "success",
    summary: "Place a market order in the session's own simulated market",
    refusals: ["NOT_SIMULATION", "NOT_PLAYING", "NOT_FILLED", "TOO_MANY_ORDERS", "TOO_MANY_REQUESTS"],
  },
  live: { status: "success", summary: "Jump to the live edge", refusals: ["NOT_LIVE"] },
};

const controlNames = commandNames.filter((name): name is Control => name !== "mode");
const list = controlNames.map((name) => ({ name, ...controls[name] }));

/** The path segments of a control: `pause`, `speed/{value}`. */
function segmentsOf({ name, value = {} }: (typeof list)[number]): string {
  return [name, ...Object.keys(value).map((key) => `{${key}}`)].join("/");
}

/**
 * Action-first paths come before id-first ones, so that a first segment that names an action is read as one. Only the
 * dashboard that later names no session uses the id-first order, so only these answers set the cookie.
 */
export const replayRoutes: readonly Route[] = [
  route({
    ...noInput,
    method: "GET",
    path: "/replay/state",
    tag,
    summary: "State of the session `global`; {} while it is absent",
    answer: stateAnswer,
    handle: ({ caller }, api) => stateOf(api, globalSessionId, caller),
  }),
  route({
    ...noInput,
    method: "GET",
    path: "/replay/state/{id}",
    tag,
    summary: "State of a session",
    params: sessionParams,
    answer: stateAnswer,
    refusals: ["SESSION_NOT_FOUND"],
    handle: ({ params: { id }, caller }, api) => stateOf(api, id, caller),
  }),
  ...list.map((control) => globalControl(control)),
  ...list.map((control) => sessionControl(control, `/replay/${segmentsOf(control)}/{id}`, "action first")),
  route({
    ...noInput,
    method: "GET",
    path: "/replay/{id}/state",
    tag,
    summary: "State of a session",
    params: sessionParams,
    answer: stateAnswer,
    refusals: ["SESSION_NOT_FOUND"],
    async handle({ params: { id }, caller, rememberSession }, api) {
      const state = await stateOf(api, id, caller);
      await rememberSession(id);
      return state;
    },
  }),
  ...list.map((control) => sessionControl(control, `/replay/{id}/${segmentsOf(control)}`, "id first")),
];

function globalControl(control: (typeof list)[number]): Route {
  return route({
    ...noInput,
    method: "POST",
    path: `/replay/${segmentsOf(control)}`,
    audit: auditOf(control),
    tag,
    summary: `${control.summary} (session global)`,
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
    params: sessionParams.extend(control.value ?? {}),
    body: bodyOf(control),
    nullMeansAbsent: nullMeansAbsent.has(control.name),
    answer: controlAnswer,
    refusals: ["SESSION_NOT_FOUND", "NO_TAPE", ...(control.refusals ?? [])],
    async handle({ params, body, caller, rememberSession }, api) {
      const { id } = sessionParams.parse(params);
      const answer = await perform(api, id, control, { params, body }, caller);
      if (order === "id first") await rememberSession(id);
      return answer;
    },
  });
}

function auditOf({ name }: (typeof list)[number]): RouteAudit {
  return { event: name === "order" ? "order" : "command", action: name };
}

/** If the path contains the value, the body is ignored. */
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
