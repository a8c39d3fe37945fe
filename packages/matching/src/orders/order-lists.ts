import type { NewOrder, NewOrderList } from "../actions.js";
import { type Refusal, refusal } from "../refusals.js";
import type { OrderType } from "./order-types.js";
import { type WorkingOrder, workingOrder } from "./working-order.js";

const stops: readonly OrderType[] = ["STOP", "STOP_LIMIT"];
const profits: readonly OrderType[] = ["LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"];

/** In the order in which they get their numbers. */
export function ordersOf({ first, others }: NewOrderList): readonly NewOrder[] {
  return first === undefined ? others : [first, ...others];
}

/** What is wrong with the composition of a list. Of a pair at most one order can rest in the book at a time, so both are never filled at once. */
export function checkList({ first, others }: NewOrderList): Refusal | undefined {
  const [one, two, ...more] = others;
  if (one === undefined || more.length > 0 || (first === undefined && two === undefined))
    return refusal(
      "INVALID_LIST",
      "orders: a list has two orders of which one ends the other, or a first one and one or two that follow it",
    );
  if (first !== undefined && first.type !== "LIMIT") return refusal("INVALID_LIST", "first: must be a LIMIT order");
  if ([first, ...others].some((order) => order?.quoteAmount !== undefined || order?.closePosition === true))
    return refusal("INVALID_LIST", "orders: those of a list have an amount");
  if (ordersOf({ first, others }).some(({ expiresNs }) => expiresNs !== undefined))
    return refusal("INVALID_LIST", "orders: those of a list have no time at which they end");
  if (new Set(ordersOf({ first, others }).map(({ id }) => id)).size < others.length + (first === undefined ? 0 : 1))
    return refusal("DUPLICATE_ID", "id: two orders of the list have the same");
  return two === undefined ? undefined : checkPair(one, two);
}

function checkPair(one: NewOrder, two: NewOrder): Refusal | undefined {
  if (one.side !== two.side || one.amount !== two.amount)
    return refusal("INVALID_LIST", "orders: a pair has one side and one amount");
  const isPair = (a: NewOrder, b: NewOrder) => stops.includes(a.type) && profits.includes(b.type);
  if (isPair(one, two) || isPair(two, one)) return undefined;
  return refusal(
    "INVALID_LIST",
    "orders: one of a pair must be STOP or STOP_LIMIT, the other LIMIT, TAKE_PROFIT or TAKE_PROFIT_LIMIT",
  );
}

/** The orders of a list as they begin. @param number that of its first order, and so the list's */
export function listedOrders(list: NewOrderList, number: number): WorkingOrder[] {
  return ordersOf(list).map((order, at) => ({
    ...workingOrder(number + at, order),
    list: number,
    ...(list.first !== undefined && { phase: order === list.first ? ("first" as const) : ("waiting" as const) }),
  }));
}
