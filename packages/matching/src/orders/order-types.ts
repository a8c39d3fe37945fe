export type OrderSide = "buy" | "sell";

export const orderTypes = ["MARKET", "LIMIT", "STOP", "STOP_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"] as const;
export type OrderType = (typeof orderTypes)[number];

/** A stop waits for a price that is worse for its owner, a take profit for a better one. */
type Trigger = "stop" | "take-profit";

const triggers: Readonly<Partial<Record<OrderType, Trigger>>> = {
  STOP: "stop",
  STOP_LIMIT: "stop",
  TAKE_PROFIT: "take-profit",
  TAKE_PROFIT_LIMIT: "take-profit",
};

/** Whether orders of a type have a price of their own. */
export function isPriced(type: OrderType): boolean {
  return type === "LIMIT" || type === "STOP_LIMIT" || type === "TAKE_PROFIT_LIMIT";
}

/** Whether an order waits for a trade at its stop price. */
export function isConditional({ type }: { readonly type: OrderType }): boolean {
  return triggers[type] !== undefined;
}

/** What an order is once it has been triggered. */
export function triggeredType(type: OrderType): OrderType {
  return isPriced(type) ? "LIMIT" : "MARKET";
}

/** Whether a trade at this price triggers an order. */
export function isReachedBy(
  price: number,
  {
    type,
    side,
    stopPrice,
  }: { readonly type: OrderType; readonly side: OrderSide; readonly stopPrice?: number | undefined },
): boolean {
  const trigger = triggers[type];
  if (trigger === undefined || stopPrice === undefined) return false;
  const isUpwards = (side === "buy") === (trigger === "stop");
  return isUpwards ? price >= stopPrice : price <= stopPrice;
}
