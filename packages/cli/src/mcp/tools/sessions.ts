import { createAnswer, createBody, isoTime, listAnswer, mode, playbackState, successAnswer } from "@tapedeck/protocol";
import { z } from "zod";
import { segment } from "../cluster-calls.js";
import { play, readSession, sessionId, shortSession, sourceChoice } from "../session-calls.js";
import { type Tool, tool } from "../tool.js";

const given = createBody.shape;

export const sessionTools: readonly Tool[] = [
  tool({
    name: "create_session",
    title: "Create a session",
    description:
      "Creates a session: a tape deck of its own, with a playhead on a market. In REPLAY it plays a recorded tape and is STOPPED at its start until play; LIVE and SIMULATION play at once. Answers the session; its session_id names it in all other tools.",
    effect: "changes",
    input: z.strictObject({
      mode: mode.optional().describe("default REPLAY"),
      ...sourceChoice,
      speed: given.speed.describe("seconds of tape per second, 0.1 to 1000; default 1"),
      from: isoTime.optional().describe("REPLAY: play only from this time"),
      to: isoTime.optional().describe("REPLAY: play only up to this time"),
      loop: given.loop.describe("begin again at the end of the range"),
      max_fps: given.max_fps.describe("frames per second that it shows, 0 to 60; 0: every frame; default 30"),
      gaps: given.gaps.describe("marked gaps of the tape play as one second (skip) or in full (keep)"),
      session_id: given.session_id.describe("an id of your choice; a session that has it is answered as it is"),
      play: z.boolean().default(false).describe("also start playing"),
    }),
    async run({ play: starts, ...body }, context, signal) {
      const { session, created } = await context.calls.ask(createAnswer, "POST", "/sessions/create", { body, signal });
      const id = session.session_id;
      if (starts) return { created, ...shortSession(await play(context, id, signal)) };
      if (session.state === "PLAYING") await context.watched.watch(id);
      return { created, ...shortSession(session) };
    },
  }),
  tool({
    name: "list_sessions",
    title: "List sessions",
    description:
      "Sessions of the cluster, newest first. While next_cursor is not null there are more: pass it as cursor.",
    effect: "reads",
    input: z.strictObject({
      mode: mode.optional(),
      state: playbackState.optional(),
      limit: z.int().min(1).max(30).default(10),
      cursor: z.string().optional().describe("next_cursor of the page before"),
    }),
    async run(query, { calls }, signal) {
      const { sessions, ...page } = await calls.ask(listAnswer, "GET", "/sessions", { query, signal });
      return { ...page, sessions: sessions.map(shortSession) };
    },
  }),
  tool({
    name: "get_session",
    title: "Get a session",
    description:
      "State of a session. The playhead is cursor_ts (tape time) and cursor_seq (number of the frame). parked means that nothing watches it, so its clock stands still until play.",
    effect: "reads",
    input: z.strictObject({ session_id: sessionId }),
    run: async ({ session_id }, context, signal) => shortSession(await readSession(context, session_id, signal)),
  }),
  tool({
    name: "delete_session",
    title: "Delete a session",
    description: "Deletes a session for everyone who watches it. This cannot be undone. Its tape stays.",
    effect: "deletes",
    input: z.strictObject({ session_id: sessionId }),
    async run({ session_id }, { calls, watched }, signal) {
      const answer = await calls.ask(successAnswer, "DELETE", `/sessions/${segment(session_id)}`, { signal });
      watched.drop(session_id);
      return answer;
    },
  }),
];
