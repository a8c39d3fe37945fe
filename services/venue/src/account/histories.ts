import type { Parameters } from "../http/parameters.js";
import { isRefused } from "../orders/refusals.js";
import type { OwnOrder, OwnTrade } from "./own.js";
import type { OwnAccount } from "./own-account.js";
import { ownOrder, ownTrade, quotesOf } from "./session-trading.js";

/**
 * The part of a list that a request asks for: from an id on, or the newest ones.
 *
 * @param from the parameter that names the first id
 */
export function page<T>(
  all: readonly T[],
  parameters: Parameters,
  { id, from }: { readonly id: (entry: T) => number; readonly from: string },
): readonly T[] {
  const limit = parameters.limit({ most: 1000, usual: 500 });
  const first = parameters.integer(from);
  if (first === undefined) return all.slice(-limit);
  return all.filter((entry) => id(entry) >= first).slice(0, limit);
}

/** Those between `startTime` and `endTime`, both in milliseconds and inclusive. */
export function asOfTime<T>(all: readonly T[], parameters: Parameters, timeOf: (entry: T) => number): readonly T[] {
  const start = parameters.integer("startTime") ?? Number.NEGATIVE_INFINITY;
  const end = parameters.integer("endTime") ?? Number.POSITIVE_INFINITY;
  return all.filter((entry) => timeOf(entry) >= start && timeOf(entry) <= end);
}

/** The account's orders that a request asks for, without those that were refused: by `orderId` and time, and at most `limit`. */
export async function requestedOrders(account: OwnAccount, parameters: Parameters): Promise<readonly OwnOrder[]> {
  const { orders, fills } = await account.standing();
  const quotes = quotesOf(fills);
  const all = orders
    .filter((order) => !isRefused(order))
    .map((order) => ownOrder(order, quotes.get(order.order_id) ?? "0", account.timeOf));
  const timed = asOfTime(all, parameters, ({ createdMs }) => createdMs);
  return page(timed, parameters, { id: ({ orderId }) => orderId, from: "orderId" });
}

/** The account's trades that a request asks for: of an order, by `fromId` and time, and at most `limit`. */
export async function requestedTrades(account: OwnAccount, parameters: Parameters): Promise<readonly OwnTrade[]> {
  const { orders, fills } = await account.standing();
  const orderId = parameters.integer("orderId");
  const lists = new Map(
    orders.flatMap(({ order_id, list }) => (list ? [[order_id, Number(list.list_id)] as const] : [])),
  );
  const all = fills.map((fill) => ownTrade(fill, account.timeOf, lists.get(fill.order_id)));
  const wanted = orderId === undefined ? all : all.filter((trade) => trade.orderId === orderId);
  const timed = asOfTime(wanted, parameters, ({ timeMs }) => timeMs);
  return page(timed, parameters, { id: ({ tradeId }) => tradeId, from: "fromId" });
}
