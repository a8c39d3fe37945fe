import { z } from "zod";
import type { Action, NewOrder } from "./actions.js";
import { orderTypes } from "./orders/order-types.js";
import type { WorkingOrder } from "./orders/working-order.js";

const bigintText = z.string().regex(/^-?\d+$/);
const side = z.enum(["buy", "sell"]);
const timeInForce = z.enum(["GTC", "IOC", "FOK", "GTX"]);
const type = z.enum(orderTypes);
const levels = z.array(z.tuple([z.number(), z.number()]));

const newOrder = z.object({
  id: z.string(),
  side,
  type,
  amount: z.number(),
  quoteAmount: bigintText.optional(),
  closePosition: z.boolean().optional(),
  reduceOnly: z.boolean().optional(),
  price: z.number().optional(),
  stopPrice: z.number().optional(),
  timeInForce: timeInForce.optional(),
  expiresNs: bigintText.optional(),
});

const action = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("place"), order: newOrder }),
  z.object({
    kind: z.literal("place-list"),
    list: z.object({ first: newOrder.optional(), others: z.array(newOrder) }),
  }),
  z.object({ kind: z.literal("cancel"), id: z.string() }),
  z.object({ kind: z.literal("cancel-all") }),
  z.object({ kind: z.literal("countdown"), endsNs: bigintText.optional() }),
  z.object({
    kind: z.literal("replace"),
    id: z.string(),
    price: z.number().optional(),
    amount: z.number(),
    stopPrice: z.number().optional(),
  }),
]);

const working = z.object({
  number: z.number(),
  id: z.string(),
  side,
  type,
  price: z.number().optional(),
  stopPrice: z.number().optional(),
  timeInForce,
  closePosition: z.literal(true).optional(),
  reduceOnly: z.literal(true).optional(),
  expiresNs: bigintText.optional(),
  list: z.number().optional(),
  phase: z.enum(["first", "waiting"]).optional(),
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
  countdownNs: bigintText.optional(),
  account: z.discriminatedUnion("kind", [
    z.object({ kind: z.literal("spot"), base: bigintText, quote: bigintText }),
    z.object({ kind: z.literal("futures"), wallet: bigintText, position: z.number(), cost: bigintText }),
  ]),
  working: z.array(working),
  taken: z.object({ bid: levels, ask: levels }),
  inbox: z.array(z.object({ arrivesNs: bigintText, sentNs: bigintText, action })),
});
export type EngineState = z.infer<typeof engineState>;

type SentAction = Pick<EngineState["inbox"][number], "sentNs" | "action">;

/** An action that has not arrived, as JSON. */
export function actionState({ sentNs: sent, ...action }: Action): SentAction {
  const sentNs = `${sent}`;
  if (action.kind === "place") return { sentNs, action: { ...action, order: orderState(action.order) } };
  if (action.kind === "countdown") return { sentNs, action: { kind: action.kind, ...textOf("endsNs", action.endsNs) } };
  if (action.kind !== "place-list") return { sentNs, action };
  const { first, others } = action.list;
  const list = { ...(first !== undefined && { first: orderState(first) }), others: others.map(orderState) };
  return { sentNs, action: { ...action, list } };
}

export function actionOf({ sentNs: sent, action }: SentAction): Action {
  const sentNs = BigInt(sent);
  if (action.kind === "place") return { ...action, sentNs, order: orderOf(action.order) };
  if (action.kind === "countdown") return { kind: action.kind, sentNs, endsNs: bigintOf(action.endsNs) };
  if (action.kind !== "place-list") return { ...action, sentNs };
  const { first, others } = action.list;
  const list = { ...(first !== undefined && { first: orderOf(first) }), others: others.map(orderOf) };
  return { ...action, sentNs, list };
}

type OrderState = z.infer<typeof newOrder>;

function orderState({ quoteAmount, expiresNs, ...order }: NewOrder): OrderState {
  return { ...order, ...textOf("quoteAmount", quoteAmount), ...textOf("expiresNs", expiresNs) };
}

function orderOf({ quoteAmount, expiresNs, ...order }: OrderState): NewOrder {
  return {
    ...order,
    ...(quoteAmount !== undefined && { quoteAmount: BigInt(quoteAmount) }),
    ...(expiresNs !== undefined && { expiresNs: BigInt(expiresNs) }),
  };
}

type WorkingState = EngineState["working"][number];

/** An open order, as JSON. */
export function workingState({ place, expiresNs, ...order }: WorkingOrder): WorkingState {
  return { ...order, ...textOf("expiresNs", expiresNs), ...(place !== undefined && { place: { ...place } }) };
}

export function workingOf({ expiresNs, ...order }: WorkingState): WorkingOrder {
  const { price, stopPrice, place } = order;
  return { ...order, price, stopPrice, place, ...(expiresNs !== undefined && { expiresNs: BigInt(expiresNs) }) };
}

/** A field that JSON has as text, if there is a value. */
export function textOf<Name extends string>(
  name: Name,
  value: bigint | undefined,
): { readonly [name in Name]?: string } {
  const field: { [name in Name]?: string } = {};
  if (value !== undefined) Object.assign(field, { [name]: `${value}` });
  return field;
}

export function bigintOf(text: string | undefined): bigint | undefined {
  return text === undefined ? undefined : BigInt(text);
}

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
