import { orderStatus, type SessionFill } from "@tapedeck/protocol";
import { z } from "zod";
import { type OrderEntry, type OrderOutcome, outcomeOf } from "../ledger/order-entry.js";

const bigintText = z.string().regex(/^-?\d+$/);

/** Statuses by their number, in few bytes. Append only. */
const statuses = orderStatus.options;

/** An order's outcome: what it takes from `OrderEntry`, in few bytes. Times are differences to when the order was sent. */
export const orderRow = z.tuple([
  z.string(),
  z
    .int()
    .min(0)
    .max(statuses.length - 1),
  bigintText,
  z.number(),
  bigintText,
  z.number(),
  z.string().nullable(),
  /** Price, amount and stop price, where a replacement has changed them. */
  z.tuple([z.number().nullable(), z.number(), z.number().nullable()]).nullable(),
  /** Side, amount and time of the venue's own. */
  z.tuple([z.enum(["buy", "sell"]), z.number(), bigintText]).nullable(),
  /** 1: it was triggered. */
  z.union([z.literal(0), z.literal(1)]),
  /** Only of one that waits for the first order of its list. */
  z.literal(1).optional(),
]);
export type OrderRow = z.infer<typeof orderRow>;

export function rowOfOrder(entry: OrderEntry): OrderRow {
  const { order, createdNs } = entry;
  const { id, status, updatedNs, filled, value, open, reason, own, price, amount, stopPrice, triggered, waits } =
    outcomeOf(entry);
  const isAsSent = price === order.price && amount === order.amount && stopPrice === order.stopPrice;
  const row: OrderRow = [
    id,
    statuses.indexOf(status),
    `${updatedNs - createdNs}`,
    filled,
    `${value}`,
    open,
    reason ?? null,
    isAsSent ? null : [price ?? null, amount, stopPrice ?? null],
    own === undefined ? null : [own.side, own.amount, `${own.createdNs}`],
    triggered ? 1 : 0,
  ];
  if (waits) row[10] = 1;
  return row;
}

/** When and how an order was sent; undefined for one of the venue's own. */
export type FindSent = (id: string) => Pick<OrderEntry, "order" | "createdNs"> | undefined;

/** @throws RangeError if it is of an order that was not sent */
export function outcomeOfRow(row: OrderRow, find: FindSent): OrderOutcome {
  const [id, status, age, filled, value, open, reason, changed, ofVenue, triggered, waits] = row;
  const own = ofVenue && { side: ofVenue[0], amount: ofVenue[1], createdNs: BigInt(ofVenue[2]) };
  const sent = find(id);
  const createdNs = own?.createdNs ?? sent?.createdNs;
  if (createdNs === undefined) throw new RangeError(`order ${id} was not sent`);
  return {
    id,
    price: changed === null ? sent?.order.price : (changed[0] ?? undefined),
    stopPrice: changed === null ? sent?.order.stopPrice : (changed[2] ?? undefined),
    triggered: triggered === 1,
    amount: changed?.[1] ?? sent?.order.amount ?? own?.amount ?? 0,
    open,
    filled,
    value: BigInt(value),
    status: statuses[status] ?? "PENDING",
    reason: reason ?? undefined,
    updatedNs: createdNs + BigInt(age),
    waits: waits === 1,
    own: own ?? undefined,
  };
}

/** A fill without what its order says. */
export const fillRow = z.tuple([
  z.string(),
  z.string(),
  z.string(),
  z.string(),
  z.string(),
  z.union([z.literal(0), z.literal(1)]),
  z.string(),
  z.string().nullable(),
  z.string(),
]);
export type FillRow = z.infer<typeof fillRow>;

export function rowOfFill(fill: SessionFill): FillRow {
  const { fill_id, order_id, price, amount, fee, liquidity, position, realized_pnl, timestamp } = fill;
  return [fill_id, order_id, price, amount, fee, liquidity === "maker" ? 1 : 0, position, realized_pnl, timestamp];
}

/** @param find also finds the venue's own orders, by what `outcomeOfRow` made of them */
export function fillOfRow(
  row: FillRow,
  find: (id: string) => Pick<OrderEntry["order"], "side" | "clientOrderId"> | undefined,
): SessionFill {
  const [fill_id, order_id, price, amount, fee, isMaker, position, realized_pnl, timestamp] = row;
  const order = find(order_id);
  if (order === undefined) throw new RangeError(`fill ${fill_id} is of order ${order_id}, which was not sent`);
  return {
    fill_id,
    order_id,
    client_order_id: order.clientOrderId ?? null,
    side: order.side,
    price,
    amount,
    fee,
    liquidity: isMaker === 1 ? "maker" : "taker",
    position,
    realized_pnl,
    timestamp,
  };
}
