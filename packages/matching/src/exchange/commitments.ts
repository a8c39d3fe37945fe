import { type Commitment, notional } from "../account/money.js";
import type { OwnOrders } from "../orders/own-orders.js";
import type { WorkingOrder } from "../orders/working-order.js";
import type { MatchingSettings } from "../settings.js";
import { takesOf } from "./takes.js";
import type { TapeBook } from "./tape-book.js";

interface OrdersInBook {
  readonly own: OwnOrders;
  readonly book: TapeBook;
  readonly fills: MatchingSettings["fills"];
}

/** What open orders hold, without one of them. */
export function commitmentsOf(market: OrdersInBook, except?: WorkingOrder): Commitment[] {
  const held: Commitment[] = [];
  const ofPairs = new Map<number, Commitment>();
  for (const order of market.own.values()) {
    const { list } = order;
    if (order.id === except?.id || order.phase === "waiting") continue;
    if (list === undefined) held.push(commitmentOf(market, order));
    // Of a pair only one is filled.
    else if (list !== except?.list) ofPairs.set(list, largerOf(ofPairs.get(list), commitmentOf(market, order)));
  }
  held.push(...ofPairs.values());
  return held;
}

export function commitmentOf({ book, fills }: Omit<OrdersInBook, "own">, order: WorkingOrder): Commitment {
  const { side, open: amount } = order;
  if (order.reduceOnly === true) return { side, amount: 0, value: 0n };
  const price = order.price ?? order.stopPrice;
  if (order.type !== "MARKET" && price !== undefined) return { side, amount, value: notional(price, amount) };
  const takes = takesOf(book, order, fills);
  return { side, amount, value: takes.reduce((sum, take) => sum + notional(take.price, take.amount), 0n) };
}

function largerOf(one: Commitment | undefined, two: Commitment): Commitment {
  return one !== undefined && one.value >= two.value ? one : two;
}
