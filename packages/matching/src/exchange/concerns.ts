import type { BookSideName } from "@tapedeck/market";
import type { Account } from "../account/account.js";
import { isReachedBy } from "../orders/order-types.js";
import type { OwnOrders } from "../orders/own-orders.js";
import type { TapeEvent, TapeOrder, TapeTrade, TapeUpdate } from "../tape-events.js";
import { isBeyond } from "./tape-book.js";

/** What of an account an event of the market can meet. */
export interface Exposed {
  readonly own: OwnOrders;
  readonly account: Account;
}

// HOT: once per event that lies ahead of a session with orders.
/**
 * Whether an event may fill, trigger or liquidate something, as far as open orders and position go before it. What it says no to changes nothing that an
 * owner hears of; what it says yes to may.
 */
export function mayConcern(event: TapeEvent, exposed: Exposed): boolean {
  switch (event.kind) {
    case "book":
      return meetsUpdate(event, exposed.own);
    case "trade":
      return meetsTrade(event, exposed);
    case "orders":
      return event.orders.some((order) => meetsExecution(order, exposed.own));
  }
}

/** A level of the other side that reaches the price of a resting order. A whole book is not looked through. */
function meetsUpdate({ isSnapshot, levels }: TapeUpdate, own: OwnOrders): boolean {
  const [bid, ask] = [own.best("bid"), own.best("ask")];
  if (bid === undefined && ask === undefined) return false;
  if (isSnapshot) return true;
  for (const { side, priceUnits, amountUnits } of levels) {
    const limit = side === "ask" ? bid : ask;
    if (limit !== undefined && amountUnits > 0 && !isBeyond(side, priceUnits, limit)) return true;
  }
  return false;
}

function meetsTrade({ priceUnits }: TapeTrade, { own, account }: Exposed): boolean {
  if (restsWithin(own, "bid", priceUnits) || restsWithin(own, "ask", priceUnits)) return true;
  for (const order of own.stops) if (isReachedBy(priceUnits, order)) return true;
  return account.toLiquidate(priceUnits) !== 0;
}

function meetsExecution({ action, priceUnits }: TapeOrder, own: OwnOrders): boolean {
  if (action !== "execute" && action !== "hidden") return false;
  if (priceUnits === undefined) return own.restsAny("bid") || own.restsAny("ask");
  return restsWithin(own, "bid", priceUnits) || restsWithin(own, "ask", priceUnits);
}

/** Whether a taker who trades down or up to a price meets a resting order. */
function restsWithin(own: OwnOrders, side: BookSideName, price: number): boolean {
  const best = own.best(side);
  return best !== undefined && !isBeyond(side, best, price);
}
