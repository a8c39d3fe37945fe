import type { SessionFill, SessionOrder } from "@tapedeck/protocol";

/** Whether an order may still be filled: it is open, or on its way to the venue. */
export function isWorking({ status }: SessionOrder): boolean {
  return status === "PENDING" || status === "NEW" || status === "PARTIALLY_FILLED";
}

/** The price at which an order waits: the trigger of one that has one. Null for market orders. */
export function workingPrice({ price, stop_price }: SessionOrder): number | null {
  const text = stop_price ?? price;
  return text === null ? null : Number(text);
}

/** What may still be filled of it. */
export function openAmount({ open }: SessionOrder): number {
  return Number(open);
}

/** The list with an order as it is now. An answer that is older than what is in the list changes nothing. */
export function withOrder(orders: readonly SessionOrder[], order: SessionOrder): readonly SessionOrder[] {
  const at = orders.findLastIndex(({ order_id }) => order_id === order.order_id);
  const known = orders[at];
  if (known === undefined) return [...orders, order];
  return isNewer(order, known) ? orders.with(at, order) : orders;
}

/** Messages and answers of one order may cross on their way. Times of one format compare as text. */
function isNewer(order: SessionOrder, known: SessionOrder): boolean {
  if (order.updated_at !== known.updated_at) return order.updated_at > known.updated_at;
  if (isWorking(order) !== isWorking(known)) return isWorking(known);
  return known.status === "PENDING" || Number(order.filled) >= Number(known.filled);
}

/** The list with a fill, once. */
export function withFill(fills: readonly SessionFill[], fill: SessionFill): readonly SessionFill[] {
  return fills.some(({ fill_id }) => fill_id === fill.fill_id) ? fills : [...fills, fill];
}
