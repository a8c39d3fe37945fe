import { z } from "zod";
import { decimalText } from "../formats/decimal.js";
import { isoTime } from "../formats/time.js";

const depth = decimalText(z.int().min(1, "must be at least 1"))
  .default(20)
  .describe("levels of each side; a number beyond the book's depth gets all of them");

export const bookQuery = z
  .object({
    seq: decimalText(z.int().nonnegative("must be at least 0")).optional().describe("the book as this frame shows it"),
    ts: isoTime.optional().describe("the book with every event up to this time by the venue's clock"),
    depth,
  })
  .refine(({ seq, ts }) => (seq === undefined) !== (ts === undefined), {
    message: "seq or ts is required, and not both",
  });

/** The playhead says where. */
export const sessionBookQuery = z.object({ depth });

const level = z
  .tuple([z.string(), z.string()])
  .describe("price and size as decimals, with as many decimals as the event track has");
const limit = z.string().nullable();

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
    known_low: limit.describe("from this price up the book has every level; null: no limit is known"),
    known_high: limit.describe("down from this price; null: no limit is known"),
  })
  .meta({ id: "FullBook" });
export type FullBookView = z.infer<typeof fullBook>;

/** `{}` for the shared session while it does not exist. */
export const sessionBookAnswer = z.union([fullBook, z.strictObject({})]);
