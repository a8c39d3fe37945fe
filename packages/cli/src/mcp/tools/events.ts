import { isoTime, type TrackLine, trackLine } from "@tapedeck/protocol";
import { z } from "zod";
import type { Call } from "../cluster-calls.js";
import { eventPage } from "../event-page.js";
import { marketSource, pathOf } from "../market-source.js";
import { readSession } from "../session-calls.js";
import { type Tool, type ToolContext, ToolRefusal, tool } from "../tool.js";

const n = z.int().min(0).optional();
const kind = z.enum(["trade", "book"]);
/** A second of CPU or two, and a page says where it ended. */
const mostLines = 50_000;

const places = {
  from_n: n.describe("begin with this event"),
  from_seq: n.describe("begin with the first event that this frame shows"),
  from_ts: isoTime.optional().describe("begin with the first event at or after this time"),
  to_n: n.describe("end before this event"),
  to_seq: n.describe("end before the first event that this frame shows"),
  to_ts: isoTime.optional().describe("end before the first event at or after this time"),
};
type Places = z.infer<z.ZodObject<typeof places>>;

export const eventTools: readonly Tool[] = [
  tool({
    name: "get_events",
    title: "Get events of the market",
    description:
      "What the venue said, message by message: each trade, and each change of the book as [price, size] (size 0 removes the level). At most one from_ and one to_. " +
      "Of a session: by default those that the frame at the playhead shows first, and never those after the playhead unless a to_ is given, so that you do not see the future by accident. Of a tape: from its beginning. " +
      "If next_from_n is not null there are more: pass it as from_n, with the same to_. A page may have fewer events than limit, even none while kinds are searched.",
    effect: "reads",
    input: z.strictObject({
      ...marketSource,
      kinds: z.array(kind).min(1).default(["trade", "book"]),
      ...places,
      limit: z.int().min(1).max(200).default(30).describe("events"),
      levels: z
        .int()
        .min(1)
        .max(100)
        .default(10)
        .describe("of each side of a change; levels_left_out counts the others"),
    }),
    async run({ kinds, limit, levels, session_id, tape, ...given }, context, signal) {
      const path = `${pathOf({ session_id, tape })}/events`;
      const query = session_id === undefined ? given : await upToPlayhead(context, session_id, given, signal);
      const wanted = new Set(kinds);
      const isAll = wanted.size === kind.options.length;
      // One more says where the next page begins.
      const lines = trackLines(context, path, { query: { ...query, ...(isAll && { limit: limit + 1 }) }, signal });
      return eventPage(lines, { kinds: wanted, events: limit, levels, lines: mostLines });
    },
  }),
];

async function upToPlayhead(context: ToolContext, id: string, given: Places, signal: AbortSignal): Promise<Places> {
  const { to_n, to_seq, to_ts, from_n, from_seq, from_ts } = given;
  if (to_n !== undefined || to_seq !== undefined || to_ts !== undefined) return given;
  const { cursor_seq } = (await readSession(context, id, signal)).controller_state;
  if (cursor_seq === null) throw new ToolRefusal("The session has no place on a tape yet: play it first.");
  const begins = from_n !== undefined || from_seq !== undefined || from_ts !== undefined;
  return { ...given, ...(!begins && { from_seq: cursor_seq }), to_seq: cursor_seq + 1 };
}

async function* trackLines(
  { calls }: ToolContext,
  path: string,
  call: Call,
): AsyncGenerator<TrackLine, void, undefined> {
  for await (const line of calls.lines(path, call)) yield trackLine.parse(JSON.parse(line));
}
