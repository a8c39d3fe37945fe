import { isoTime, sessionBookAnswer } from "@tapedeck/protocol";
import { z } from "zod";
import { marketSource, pathOf } from "../market-source.js";
import { type Tool, ToolRefusal, tool } from "../tool.js";

/** The whole book, also behind the levels of frames. */
export const bookTools: readonly Tool[] = [
  tool({
    name: "get_book",
    title: "Get the order book",
    description:
      "Levels of the order book as [price, size], best first: of a session at its playhead, or of a tape at a frame (seq) or time (ts). It is the whole book, so levels can be many: bid_levels and ask_levels say how many there are; pass skip to see those behind. " +
      "A missing level below known_low or above known_high may exist all the same. Needs a tape with event_track; otherwise get_frames has 20 levels with detail full.",
    effect: "reads",
    input: z.strictObject({
      ...marketSource,
      seq: z.int().min(0).optional().describe("with tape: the frame"),
      ts: isoTime.optional().describe("with tape: the time, ISO 8601 in UTC"),
      depth: z.int().min(1).max(200).default(10).describe("levels of each side"),
      skip: z.int().min(0).max(100_000).default(0).describe("levels of each side to leave out, from the best on"),
    }),
    async run({ depth, skip, seq, ts, ...market }, { calls }, signal) {
      if (market.session_id !== undefined && (seq !== undefined || ts !== undefined)) {
        throw new ToolRefusal("A session's book is at its playhead: leave out seq and ts, or seek first.");
      }
      const query = { seq, ts, depth: skip + depth };
      const book = await calls.ask(sessionBookAnswer, "GET", `${pathOf(market)}/book`, { query, signal });
      if (!("bids" in book)) throw new ToolRefusal("The session has no book yet: it has played nothing.");
      return { ...book, bids: book.bids.slice(skip), asks: book.asks.slice(skip) };
    },
  }),
];
