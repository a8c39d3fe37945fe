import { eventType, isoTime, maxSpeed, minSpeed, mode, paceChoice, sessionView, severity } from "@tapedeck/protocol";
import { z } from "zod";
import { segment } from "../cluster-calls.js";
import { command, play, sessionId, shortSession, sourceChoice } from "../session-calls.js";
import { type Tool, tool } from "../tool.js";

const speed = z.number().min(minSpeed).max(maxSpeed);

/** A command without arguments of its own. */
function simple(name: string, action: string, title: string, description: string): Tool {
  return tool({
    name,
    title,
    description,
    effect: "changes",
    input: z.strictObject({ session_id: sessionId }),
    run: async ({ session_id }, context, signal) =>
      shortSession(await command(context, session_id, action, { signal })),
  });
}

/** The buttons of a tape deck. Each answers the session as it is afterwards. */
export const transportTools: readonly Tool[] = [
  tool({
    name: "play",
    title: "Play",
    description:
      "Plays from the playhead (from the start if STOPPED; in LIVE from the live edge), also after pause. It goes on by itself while you do other things; use watch to let time pass and hear what happened.",
    effect: "changes",
    input: z.strictObject({
      session_id: sessionId,
      speed: speed.optional().describe("seconds of tape per second; default: as it was"),
    }),
    async run({ session_id, speed }, context, signal) {
      if (speed !== undefined) await command(context, session_id, `speed/${speed}`, { signal });
      return shortSession(await play(context, session_id, signal));
    },
  }),
  simple(
    "pause",
    "pause",
    "Pause",
    "Freezes the playhead. Look at the market and think as long as you like, then play.",
  ),
  simple("stop", "stop", "Stop", "Stops and returns to the start of the range (in LIVE: rests until play)."),
  tool({
    name: "seek",
    title: "Seek",
    description:
      "Moves the playhead to exactly one of: ts (a time), seq (a frame), fraction (0 to 1 of the range), or event (the next or previous anomaly from the playhead, optionally of event_type and at least min_severity). Playing goes on from there; paused stays paused.",
    effect: "changes",
    input: z.strictObject({
      session_id: sessionId,
      ts: isoTime.optional().describe("ISO 8601 in UTC, such as 2024-08-08T23:54:15.123Z"),
      seq: z.int().min(0).optional(),
      fraction: z.number().min(0).max(1).optional(),
      event: z.enum(["next", "previous"]).optional(),
      event_type: eventType.optional(),
      min_severity: severity.optional(),
    }),
    async run({ session_id, ...place }, context, signal) {
      return shortSession(await command(context, session_id, "seek", { body: place, signal }));
    },
  }),
  tool({
    name: "rewind",
    title: "Rewind",
    description:
      "Goes back by seconds of tape time, at most to the start. Playing goes on from there. Orders sent after that place are undone; list_branches keeps them.",
    effect: "changes",
    input: z.strictObject({ session_id: sessionId, seconds: z.number().min(0.001).max(1e9) }),
    run: async ({ session_id, seconds }, context, signal) =>
      shortSession(await command(context, session_id, `goback/${seconds}`, { signal })),
  }),
  tool({
    name: "step",
    title: "Step",
    description:
      "Pauses, and moves the playhead by frames or by milliseconds of tape: exactly one of them; negative goes back.",
    effect: "changes",
    input: z.strictObject({
      session_id: sessionId,
      frames: z.int().min(-1000).max(1000).optional(),
      ms: z.number().min(-86_400_000).max(86_400_000).optional(),
    }),
    async run({ session_id, ...by }, context, signal) {
      return shortSession(await command(context, session_id, "step", { body: by, signal }));
    },
  }),
  tool({
    name: "set_speed",
    title: "Set the speed",
    description: "Sets how many seconds of tape pass per second, from 0.1 to 1000. It does not start a paused session.",
    effect: "changes",
    input: z.strictObject({ session_id: sessionId, speed }),
    run: async ({ session_id, speed }, context, signal) =>
      shortSession(await command(context, session_id, `speed/${speed}`, { signal })),
  }),
  tool({
    name: "set_pace",
    title: "Set the pace",
    description:
      "clock: the playhead runs with time, at the speed. lossless (not in LIVE): it waits for programs that acknowledge frames, and stands still without one; speed, or max, is the upper bound.",
    effect: "changes",
    input: z.strictObject({ session_id: sessionId, ...paceChoice.shape }),
    run: async ({ session_id, ...body }, context, signal) =>
      shortSession(await command(context, session_id, "pace", { body, signal })),
  }),
  tool({
    name: "set_range",
    title: "Set the range",
    description:
      "Limits playing to a part of the tape, once or in a loop. What is left out stays as it is; null removes a limit. A playhead outside moves to from.",
    effect: "changes",
    input: z.strictObject({
      session_id: sessionId,
      from: isoTime.nullable().optional(),
      to: isoTime.nullable().optional(),
      loop: z.boolean().optional(),
    }),
    run: async ({ session_id, ...body }, context, signal) =>
      shortSession(await command(context, session_id, "range", { body, signal })),
  }),
  tool({
    name: "set_mode",
    title: "Change mode or market",
    description:
      "Switches to REPLAY of a tape, a LIVE market or a SIMULATION. Without a source it returns to what the session last played in that mode, as it was left. It begins without orders.",
    effect: "changes",
    input: z.strictObject({ session_id: sessionId, mode, ...sourceChoice }),
    async run({ session_id, ...body }, context, signal) {
      const session = await context.calls.ask(sessionView, "POST", `/mode/${segment(session_id)}`, { body, signal });
      if (session.state === "PLAYING") await context.watched.watch(session_id);
      return shortSession(session);
    },
  }),
  simple("go_live", "live", "Go to the live edge", "In LIVE: jumps to the newest frame and plays on there."),
];
