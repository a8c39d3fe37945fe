import { eventType, severity, tapeOverview, tapesAnswer, tapeView } from "@tapedeck/protocol";
import { z } from "zod";
import { segment } from "../cluster-calls.js";
import { type Tool, thatFit, tool } from "../tool.js";

const severities = severity.options;

export const tapeTools: readonly Tool[] = [
  tool({
    name: "list_tapes",
    title: "List tapes",
    description:
      "Recorded markets, newest first, with instrument, time range (UTC), frames, trades, number of marked gaps and of detected events by type. event_track: true means that get_book and get_events work for it. While next_skip is not null there are more: pass it as skip.",
    effect: "reads",
    input: z.strictObject({
      symbol: z.string().optional().describe("only tapes of this instrument"),
      limit: z.int().min(1).max(50).default(20),
      skip: z.int().min(0).default(0),
    }),
    async run({ symbol, limit, skip }, { calls }, signal) {
      const { tapes } = await calls.ask(tapesAnswer, "GET", "/tapes", { signal });
      const found = tapes.filter((tape) => symbol === undefined || tape.symbol === symbol.toUpperCase());
      const page = thatFit(
        found.slice(skip, skip + limit).map(({ gaps, ...tape }) => ({ ...tape, gaps: gaps.length })),
      );
      const next = skip + page.length;
      return { total: found.length, tapes: page, next_skip: next < found.length ? next : null };
    },
  }),
  tool({
    name: "get_tape",
    title: "Get a tape",
    description:
      "A tape at a glance: its price line with a few points, its marked gaps, and its detected events (anomalies) with frame numbers for seek. Events can be filtered; while next_after_seq is not null there are more: pass it as events_after_seq.",
    effect: "reads",
    input: z.strictObject({
      tape: z.string().min(1).describe("id or id@version, from list_tapes or a session's tape"),
      points: z.int().min(2).max(100).default(30).describe("of the price line"),
      event_type: eventType.optional().describe("only events of this type"),
      min_severity: severity.optional().describe("only events at least this severe"),
      events_after_seq: z.int().min(0).optional().describe("only events after this frame"),
      limit: z.int().min(1).max(100).default(30).describe("events"),
    }),
    async run({ tape: name, points, event_type, min_severity, events_after_seq = -1, limit }, { calls }, signal) {
      const path = `/tapes/${segment(name)}`;
      const { gaps: _, ...tape } = await calls.ask(tapeView, "GET", path, { signal });
      const overview = await calls.ask(tapeOverview, "GET", `${path}/overview`, { query: { points }, signal });
      const least = severities.findIndex((each) => each === min_severity);
      const events = overview.events.filter(
        ({ type, severity, seq }) =>
          seq > events_after_seq &&
          (event_type === undefined || type === event_type) &&
          severities.findIndex((each) => each === severity) >= least,
      );
      const gaps = overview.gaps.slice(0, 20);
      const shown = wholeFrames(thatFit(events.slice(0, limit), 8_000), events);
      return {
        ...tape,
        price_line: overview.points,
        gaps,
        gaps_left_out: overview.gaps.length - gaps.length,
        events: shown,
        events_found: events.length,
        next_after_seq: shown.length < events.length ? (shown.at(-1)?.seq ?? null) : null,
      };
    },
  }),
];

/** A page ends between two frames, since the next one begins after a frame. A single frame's events are never split. */
function wholeFrames<T extends { readonly seq: number }>(page: readonly T[], all: readonly T[]): readonly T[] {
  const next = all[page.length];
  if (next === undefined || page.length === 0 || page.at(-1)?.seq !== next.seq) return page;
  const before = page.filter(({ seq }) => seq < next.seq);
  return before.length > 0 ? before : all.filter(({ seq }) => seq === next.seq);
}
