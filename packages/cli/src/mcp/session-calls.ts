import { scenarioNames } from "@tapedeck/market";
import { createBody, type SessionView, sessionAnswer, sessionView } from "@tapedeck/protocol";
import { z } from "zod";
import { segment } from "./cluster-calls.js";
import type { ToolContext } from "./tool.js";

export const sessionId = z
  .string()
  .min(1, "must not be empty")
  .describe("id of a session, from create_session or list_sessions");

const { tape, symbol, source, seed, scenario } = createBody.shape;

/** What a session plays. */
export const sourceChoice = {
  tape: tape.describe(
    "REPLAY: id or id@version from list_tapes; default: the newest tape of symbol, else the cluster's default tape",
  ),
  symbol: symbol.describe("LIVE: an instrument; default BTCUSDT. REPLAY: plays the newest tape of it"),
  source: source.describe("LIVE: a venue; default BINANCE"),
  seed: seed.describe("SIMULATION: the same seed and scenario give the same market"),
  scenario: scenario.describe(`SIMULATION: ${scenarioNames.join(", ")}`),
};

/** A session as tools answer it: each value once, and none that only pages need. */
export function shortSession(view: SessionView) {
  const { controller_state, user_id, rev, buffer_size, last_activity, created_at, ...session } = view;
  const { cursor_seq, from_ts, to_ts, loop, max_fps } = controller_state;
  return { ...session, cursor_seq, from_ts, to_ts, loop, max_fps };
}

export async function readSession({ calls }: ToolContext, id: string, signal: AbortSignal): Promise<SessionView> {
  return (await calls.ask(sessionAnswer, "GET", `/sessions/${segment(id)}`, { signal })).session;
}

/** Carries out a command. @param action its name, with its value if it has one: `speed/5` */
export async function command(
  { calls }: ToolContext,
  id: string,
  action: string,
  { body, signal }: { readonly body?: object; readonly signal: AbortSignal },
): Promise<SessionView> {
  return calls.ask(sessionView, "POST", `/replay/${segment(id)}/${action}`, { signal, ...(body && { body }) });
}

/** Plays from the playhead, with a socket of this process, so that the session is not parked. */
export async function play(context: ToolContext, id: string, signal: AbortSignal): Promise<SessionView> {
  await context.watched.watch(id);
  return command(context, id, "start", { signal });
}
