import { randomUUID } from "node:crypto";
import type { KeyedRoute } from "../access/signed-route.js";
import { own } from "../account/account-answers.js";
import { asOfTime, page } from "../account/histories.js";
import { asUnknown } from "../account/order-lookup.js";
import type { OwnOrder } from "../account/own.js";
import type { OwnAccount } from "../account/own-account.js";
import { ownOrder, ownTrade, quotesOf } from "../account/session-trading.js";
import { BinanceError } from "../http/binance-error.js";
import type { Parameters } from "../http/parameters.js";
import { checkFilters } from "../orders/filters.js";
import {
  ocoRequest,
  oldOcoRequest,
  otocoRequest,
  otoRequest,
  type ReadOrderList,
} from "../orders/order-list-request.js";
import { isRefused, newListRefusal, noSuchOrder, refusalOf, unknownOrder } from "../orders/refusals.js";
import { canceledListAnswer, type ListedOrders, newListAnswer, orderListView } from "./order-list-forms.js";
import { responseTypeOf, withAccount, withSymbol } from "./spot-account.js";

const api = "/api/v3";

/** Each order of a list counts. */
function placing(path: string, orders: number, read: ReadOrderList): KeyedRoute {
  return {
    method: "POST",
    path: `${api}/${path}`,
    action: "place_order",
    orders: () => orders,
    handle: withSymbol((account, parameters) => placeList(account, parameters, read)),
  };
}

/** Orders that depend on each other, on the spot market. */
export const orderListRoutes: readonly KeyedRoute[] = [
  placing("orderList/oco", 2, ocoRequest),
  placing("orderList/oto", 2, otoRequest),
  placing("orderList/otoco", 3, otocoRequest),
  placing("order/oco", 2, oldOcoRequest),
  { method: "DELETE", path: `${api}/orderList`, action: "cancel_orders", handle: withSymbol(cancelList) },
  {
    method: "GET",
    path: `${api}/orderList`,
    weight: 4,
    handle: withAccount(async (account, parameters) => {
      const wanted = namesOf(parameters, "origClientOrderId");
      const found = (await listsOf(account)).findLast((list) => isNamed(list, wanted));
      if (found === undefined) throw noSuchOrder();
      return orderListView(account.symbols, found);
    }),
  },
  {
    method: "GET",
    path: `${api}/allOrderList`,
    weight: 20,
    handle: withAccount(async (account, parameters) => {
      const views = (await listsOf(account)).map((orders) => orderListView(account.symbols, orders));
      const timed = asOfTime(views, parameters, ({ transactionTime }) => transactionTime);
      return page(timed, parameters, { id: ({ orderListId }) => orderListId, from: "fromId" });
    }),
  },
  {
    method: "GET",
    path: `${api}/openOrderList`,
    weight: 6,
    handle: withAccount(async (account) => {
      const views = (await listsOf(account)).map((orders) => orderListView(account.symbols, orders));
      return views.filter(({ listOrderStatus }) => listOrderStatus === "EXECUTING");
    }),
  },
];

async function placeList(account: OwnAccount, parameters: Parameters, read: ReadOrderList) {
  const list = read(parameters);
  const responseType = responseTypeOf(parameters, "LIMIT");
  const requests = list.first === undefined ? list.others : [list.first, ...list.others];
  for (const request of requests) checkFilters("spot", request, account.instrument);
  const { open } = await account.balance();
  if (list.clientListId !== undefined && open.some((order) => order.list?.client_list_id === list.clientListId))
    throw refusalOf("spot", "DUPLICATE_ID");
  const outcomes = await account.placeList(list);
  const placed = outcomes.map((outcome) => ({
    order: own(account, outcome),
    trades: outcome.fills.map((fill) => ownTrade(fill, account.timeOf)),
  }));
  const refusal = newListRefusal(
    placed.map(({ order }) => order),
    list.first === undefined,
  );
  if (refusal !== undefined) throw refusal;
  return newListAnswer(account.symbols, placed, responseType);
}

/** Cancels what is open of a list. */
async function cancelList(account: OwnAccount, parameters: Parameters) {
  const wanted = namesOf(parameters, "listClientOrderId");
  const { open } = await account.balance();
  const lists = new Map(
    open.flatMap(({ list, order_id }) => (list === undefined ? [] : [[list.list_id, { list, order_id }]])),
  );
  const found = [...lists.values()].findLast(
    ({ list }) =>
      (wanted.listId === undefined || list.list_id === `${wanted.listId}`) &&
      (wanted.clientListId === undefined || list.client_list_id === wanted.clientListId),
  );
  if (found === undefined) throw unknownOrder();
  // One of a list takes the others along.
  await asUnknown(() => account.cancel(found.order_id));
  const orders = (await listsOf(account)).find(([first]) => first?.list?.listId === Number(found.list.list_id)) ?? [];
  if (orders.every(({ status }) => status !== "CANCELED" && status !== "NEW")) throw unknownOrder(); // it ended before
  return canceledListAnswer(account.symbols, orders, parameters.text("newClientOrderId") ?? randomUUID());
}

/** The account's lists, without those that were refused, oldest first. */
export async function listsOf(account: OwnAccount): Promise<ListedOrders[]> {
  const { orders, fills } = await account.standing();
  const quotes = quotesOf(fills);
  const lists = new Map<string, OwnOrder[]>();
  for (const order of orders) {
    if (order.list === undefined || isRefused(order)) continue;
    const { list_id: id } = order.list;
    const listed = lists.get(id) ?? [];
    listed.push(ownOrder(order, quotes.get(order.order_id) ?? "0", account.timeOf));
    lists.set(id, listed);
  }
  return [...lists.values()];
}

interface ListName {
  readonly listId: number | undefined;
  readonly clientListId: string | undefined;
}

function namesOf(parameters: Parameters, client: string): ListName {
  const [listId, clientListId] = [parameters.integer("orderListId"), parameters.text(client)];
  if (listId !== undefined || clientListId !== undefined) return { listId, clientListId };
  const message = `Param '${client}' or 'orderListId' must be sent, but both were empty/null!`;
  throw new BinanceError("MANDATORY_PARAM_EMPTY_OR_MALFORMED", message);
}

function isNamed([order]: ListedOrders, { listId, clientListId }: ListName): boolean {
  const list = order?.list;
  return (
    list !== undefined &&
    (listId === undefined || list.listId === listId) &&
    (clientListId === undefined || list.clientListId === clientListId)
  );
}
