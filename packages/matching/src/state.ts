import { z } from "zod";

const bigintText = z.string().regex(/^-?\d+$/);
const side = z.enum(["buy", "sell"]);
const timeInForce = z.enum(["GTC", "IOC", "FOK", "GTX"]);
const type = z.enum(["MARKET", "LIMIT", "STOP", "STOP_LIMIT"]);
const levels = z.array(z.tuple([z.number(), z.number()]));

const newOrder = z.object({
  id: z.string(),
  side,
  type,
  amount: z.number(),
  price: z.number().optional(),
  stopPrice: z.number().optional(),
  timeInForce: timeInForce.optional(),
});

const action = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("place"), order: newOrder }),
  z.object({ kind: z.literal("cancel"), id: z.string() }),
  z.object({ kind: z.literal("cancel-all") }),
  z.object({ kind: z.literal("replace"), id: z.string(), price: z.number(), amount: z.number() }),
]);

const working = z.object({
  number: z.number(),
  id: z.string(),
  side,
  type,
  price: z.number().optional(),
  stopPrice: z.number().optional(),
  timeInForce,
  open: z.number(),
  place: z.object({ front: z.number(), traded: z.number() }).optional(),
  entered: z.number(),
});

/**
 * All that an engine knows beyond its settings and the tape, as JSON. Integers that a double may not hold are text. Doubles are exact in
 * JSON, so a place in a queue is the same bit for bit.
 */
export const engineState = z.object({
  version: z.literal(1),
  n: z.number(),
  timeNs: bigintText,
  advancedNs: bigintText,
  lastPrice: z.number().optional(),
  counts: z.object({ orders: z.number(), trades: z.number(), entered: z.number(), sent: z.number(), said: z.number() }),
  lastSentNs: bigintText,
  lastArrivalNs: bigintText,
  lastHeardNs: bigintText,
  account: z.discriminatedUnion("kind", [
    z.object({ kind: z.literal("spot"), base: bigintText, quote: bigintText }),
    z.object({ kind: z.literal("futures"), wallet: bigintText, position: z.number(), cost: bigintText }),
  ]),
  working: z.array(working),
  taken: z.object({ bid: levels, ask: levels }),
  inbox: z.array(z.object({ arrivesNs: bigintText, sentNs: bigintText, action })),
});
export type EngineState = z.infer<typeof engineState>;

/**
 * What an engine knows of the tape after an event: the book that `bookAt` of `packages/tape` has after the same one, in units, and the orders
 * where they are known.
 */
export interface TapeState {
  /** Units, in any order. */
  readonly bids: Iterable<readonly [price: number, amount: number]>;
  readonly asks: Iterable<readonly [price: number, amount: number]>;
  /** The number of the next order in a queue, and the orders by the venue's number, in their order. */
  readonly queue?: {
    readonly next: number;
    readonly orders: Iterable<
      readonly [
        id: string,
        order: {
          readonly side: "bid" | "ask";
          readonly price: number;
          readonly amount: number;
          readonly entered: number;
        },
      ]
    >;
  };
}
