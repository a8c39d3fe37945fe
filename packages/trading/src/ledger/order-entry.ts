import { isoOfNs, type SessionOrder } from "@tapedeck/protocol";
import type { TrackDecimals } from "@tapedeck/tape";
import type { NumberedOrder } from "../actions/order-list.js";
import type { PlacedOrder } from "../actions/placed-order.js";
import { fixed, trimmed } from "../decimals.js";

/** An order and what became of it so far. */
export interface OrderEntry {
  readonly id: string;
  /** The engine's name of it. */
  readonly engineId: string;
  readonly order: PlacedOrder;
  /** Undefined: it is in none. */
  readonly list: NumberedOrder["list"];
  /** For the first order of its list, out of the market. */
  waits: boolean;
  /** As it was sent, or replaced later. */
  price: number | undefined;
  /** The same. */
  stopPrice: number | undefined;
  /** Whether it has waited for its stop price, and no longer does. */
  triggered: boolean;
  amount: number;
  open: number;
  filled: number;
  /** Prices times amounts of its fills. */
  value: bigint;
  status: SessionOrder["status"];
  reason: string | undefined;
  readonly createdNs: bigint;
  updatedNs: bigint;
}

/** What became of an order so far: all of it that sending it did not say. */
export interface OrderOutcome
  extends Pick<
    OrderEntry,
    | "id"
    | "waits"
    | "price"
    | "stopPrice"
    | "triggered"
    | "amount"
    | "open"
    | "filled"
    | "value"
    | "status"
    | "reason"
    | "updatedNs"
  > {
  /** Set for an order that the venue places by itself, such as a liquidation. */
  readonly own?:
    | { readonly side: PlacedOrder["side"]; readonly amount: number; readonly createdNs: bigint }
    | undefined;
}

/** Pure. */
export function outcomeOf(entry: OrderEntry): OrderOutcome {
  const { engineId, order, list: _, createdNs, ...outcome } = entry;
  const own = outcome.id === engineId ? { side: order.side, amount: order.amount, createdNs } : undefined;
  return { ...outcome, own };
}

export function newEntry(
  id: string,
  engineId: string,
  { order, list, waits }: Omit<NumberedOrder, "number">,
  createdNs: bigint,
): OrderEntry {
  return {
    id,
    engineId,
    order,
    list,
    waits,
    price: order.price,
    stopPrice: order.stopPrice,
    triggered: false,
    amount: order.amount,
    open: order.amount,
    filled: 0,
    value: 0n,
    status: "PENDING",
    reason: undefined,
    createdNs,
    updatedNs: createdNs,
  };
}

/** Whether it may still change. */
export function isOpen({ status }: Pick<OrderEntry, "status">): boolean {
  return status === "PENDING" || status === "NEW" || status === "PARTIALLY_FILLED";
}

/** More decimals than a price has, of an average of prices. */
const averageDecimals = 8;

export function orderView(entry: OrderEntry, { price, size }: TrackDecimals): SessionOrder {
  const { id, order, list, waits, filled, value } = entry;
  const priced = (units: number | undefined) => (units === undefined ? null : fixed(units, price));
  const average = (value * 10n ** BigInt(averageDecimals)) / BigInt(Math.max(1, filled));
  return {
    order_id: id,
    client_order_id: order.clientOrderId ?? null,
    side: order.side,
    type: order.type,
    amount: fixed(entry.amount, size),
    ...(order.quoteAmount !== undefined && { quote_amount: trimmed(order.quoteAmount, price + size) }),
    ...(order.closePosition === true && { close_position: true }),
    ...(order.reduceOnly === true && { reduce_only: true }),
    filled: fixed(filled, size),
    open: fixed(isOpen(entry) ? entry.open : 0, size),
    price: priced(entry.price),
    stop_price: priced(entry.stopPrice),
    ...(entry.triggered && { triggered: true }),
    time_in_force: order.timeInForce ?? null,
    ...(order.expiresNs !== undefined && { expires_at: isoOfNs(order.expiresNs, 9) }),
    ...(list !== undefined && { list: { ...list, waits } }),
    status: entry.status,
    reason: entry.reason ?? null,
    created_at: isoOfNs(entry.createdNs, 9),
    updated_at: isoOfNs(entry.updatedNs, 9),
    average_price: filled === 0 ? null : trimmed(average, price + averageDecimals),
  };
}
