import type { ReplaceBody, SessionFill, SessionOrder, TradedInstrument } from "@tapedeck/protocol";

/** Whether an order may still be filled: it is open, or on its way to the venue. */
export function isWorking({ status }: SessionOrder): boolean {
  return status === "PENDING" || status === "NEW" || status === "PARTIALLY_FILLED";
}

/** Whether an order is out of the book until a trade is at its stop price. */
export function waitsForTrigger({ stop_price, triggered }: SessionOrder): boolean {
  return stop_price !== null && triggered !== true;
}

/** The price at which an order waits: its trigger, until that has been reached. Null for market orders. */
export function workingPrice(order: SessionOrder): number | null {
  const text = waitsForTrigger(order) ? order.stop_price : order.price;
  return text === null ? null : Number(text);
}

/** What moves a working order to a price: its trigger while it waits for that, and its limit then goes along. */
export function moveTo(order: SessionOrder, price: string): ReplaceBody {
  if (!waitsForTrigger(order)) return { price };
  if (order.price === null) return { stop_price: price };
  const moved = Number(order.price) + Number(price) - Number(order.stop_price);
  return { stop_price: price, price: moved.toFixed(decimalsOf(order.price)) };
}

function decimalsOf(text: string): number {
  return text.split(".")[1]?.length ?? 0;
}

/** The nearest price that an order may have, as text. */
export function onTick(price: number, { tick, price_decimals }: TradedInstrument): string {
  return (Math.round(price / Number(tick)) * Number(tick)).toFixed(price_decimals);
}

/** What kind an order is, in a word, if it is not a plain limit order. */
export function kindOf(order: SessionOrder): "" | "stop" | "TP" {
  if (!waitsForTrigger(order)) return "";
  return order.type.startsWith("TAKE_PROFIT") ? "TP" : "stop";
}

/** An order in few words, for labels: "Sell stop 0.05". */
export function labelOf(order: SessionOrder): string {
  const size = order.close_position === true && waitsForTrigger(order) ? "all" : order.open;
  return [order.side === "buy" ? "Buy" : "Sell", kindOf(order), size].filter((word) => word !== "").join(" ");
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
