import { z } from "zod";
import { decimalText } from "../formats/decimal.js";
import { isoTime } from "../formats/time.js";
import { tradeSide } from "../frame/frame.js";

const count = decimalText(z.int().min(1, "must be at least 1"));
const frameNumber = decimalText(z.int().nonnegative("must be at least 0"));
const place = frameNumber.optional();
const time = isoTime.optional();

const depth = count.default(20).describe("levels of each side; a number beyond the book's depth gets all of them");

/** How many of these are given. */
function given(...values: readonly unknown[]): number {
  return values.filter((value) => value !== undefined).length;
}

export const bookQuery = z
  .object({
    seq: place.describe("the book as this frame shows it"),
    ts: time.describe("the book with every event up to this time by the venue's clock"),
    depth,
  })
  .refine(({ seq, ts }) => given(seq, ts) === 1, {
    path: ["seq"],
    message: "exactly one of seq and ts is required",
  });

/** The playhead says where. */
export const sessionBookQuery = z.object({ depth });

const exactDecimal = z.string().describe("a decimal, with as many decimals as the event track has");
const level = z.tuple([exactDecimal, exactDecimal]).describe("price and size");
const limit = exactDecimal.nullable();
const limitsKnown = z
  .boolean()
  .describe(
    "true: where a limit is null, the book has every level on that side; false: nothing tells where it is complete",
  );

export const fullBook = z
  .object({
    tape: z.string().describe("id@version"),
    symbol: z.string(),
    source: z.string(),
    seq: z.int().describe("the frame whose book it is, or the last one at or before the time"),
    ts: isoTime.describe("of that frame, or the time that was asked for"),
    n: z.int().nullable().describe("the last event in it; null for none"),
    bids: z.array(level).describe("best first"),
    asks: z.array(level).describe("best first"),
    bid_levels: z.int().describe("how many the book has, beyond `depth` too"),
    ask_levels: z.int(),
    known_low: limit.describe("from this price up the book has every level; null: see `limits_known`"),
    known_high: limit.describe("down from this price; null: see `limits_known`"),
    limits_known: limitsKnown,
  })
  .meta({ id: "FullBook" });
export type FullBookView = z.infer<typeof fullBook>;

export const bookChangesQuery = z
  .object({
    from_seq: frameNumber.describe("the frame whose whole book comes first"),
    to_seq: frameNumber.describe("the last frame whose changes come"),
    whole: z
      .enum(["true", "false"], "must be true or false")
      .default("true")
      .transform((text) => text === "true")
      .describe("false: without the book of the first frame, for a reader that has it; only the changes after it come"),
  })
  .refine(({ from_seq, to_seq }) => from_seq <= to_seq, {
    path: ["to_seq"],
    message: "must not be before from_seq",
  });

/** A line of `/tapes/{id}/book/changes`. */
export const bookChanges = z
  .object({
    seq: z.int().describe("with these changes the book is as this frame shows it"),
    whole: z.boolean().describe("these are all levels: what the reader had before is replaced"),
    bids: z.array(level).describe("best first if whole; a size of 0 removes the level"),
    asks: z.array(level),
    known_low: limit.optional().describe("from this price up the book has every level; absent: as in the line before"),
    known_high: limit.optional(),
    limits_known: limitsKnown.optional(),
  })
  .meta({ id: "BookChanges" });
export type BookChanges = z.infer<typeof bookChanges>;

/** `{}` for the shared session while it does not exist. */
export const sessionBookAnswer = z.union([fullBook, z.strictObject({})]);

export const eventsQuery = z
  .object({
    from_n: place.describe("begin with this event"),
    from_seq: place.describe("begin with the first event that this frame shows"),
    from_ts: time.describe("begin with the first event at or after this time by the venue's clock"),
    to_n: place.describe("end before this event"),
    to_seq: place.describe("end before the first event that this frame shows"),
    to_ts: time.describe("end before the first event at or after this time by the venue's clock"),
    limit: count.optional().describe("events, each with all its lines; default: no limit"),
  })
  .refine((query) => given(query.from_n, query.from_seq, query.from_ts) <= 1, {
    path: ["from_n"],
    message: "at most one of from_n, from_seq and from_ts is accepted",
  })
  .refine((query) => given(query.to_n, query.to_seq, query.to_ts) <= 1, {
    path: ["to_n"],
    message: "at most one of to_n, to_seq and to_ts is accepted",
  });

/** Which frames of a tape a file has, named as the places of `eventsQuery`. */
export const fileQuery = z
  .object({
    from_seq: place.describe("begin with this frame"),
    from_ts: time.describe("begin with the first frame at or after this time"),
    to_seq: place.describe("end before this frame"),
    to_ts: time.describe("end before the first frame at or after this time"),
  })
  .refine(({ from_seq, from_ts }) => given(from_seq, from_ts) <= 1, {
    path: ["from_seq"],
    message: "at most one of from_seq and from_ts is accepted",
  })
  .refine(({ to_seq, to_ts }) => given(to_seq, to_ts) <= 1, {
    path: ["to_seq"],
    message: "at most one of to_seq and to_ts is accepted",
  });

export const barsQuery = fileQuery.safeExtend({
  interval: z.string().default("1s").describe("of a bar: 100ms, 1s, 5m, 1h, up to 7d"),
});

const anyEvent = {
  exchange: z.string(),
  symbol: z.string(),
  timestamp: isoTime.describe("by the venue's clock"),
  local_timestamp: isoTime.describe("by the recorder's clock"),
  price: exactDecimal,
  amount: exactDecimal,
  n: z.int().describe("number of the event; the lines of one event follow each other"),
  seq: z.int().describe("the first frame that shows it"),
  heard: z.int().describe("its number in the order in which it was received"),
  state: z.string().describe("what became of it: applied, again, derived, or why it changed nothing"),
};
const venueId = z.int().nullable();

/** A line of `/tapes/{id}/events`: the columns of the track's files, and of which file. */
export const trackLine = z
  .discriminatedUnion("kind", [
    z.object({
      kind: z.literal("book"),
      ...anyEvent,
      is_snapshot: z.boolean().describe("one level of a whole book, which replaces the one before"),
      side: z.enum(["bid", "ask"]),
      first_id: venueId.describe("the venue's update ids"),
      last_id: venueId,
      previous_id: venueId,
    }),
    z.object({
      kind: z.literal("trade"),
      ...anyEvent,
      id: z.string().nullable().describe("the venue's"),
      side: tradeSide.describe("the taker's"),
    }),
  ])
  .meta({ id: "TrackLine" });
export type TrackLine = z.infer<typeof trackLine>;
