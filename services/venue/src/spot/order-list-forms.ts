import { randomUUID } from "node:crypto";
import { isOpen, type OwnOrder, type OwnTrade, type Symbols } from "../account/own.js";
import { cancelAnswer, newOrderAnswer, type ResponseType } from "./spot-forms.js";

/** The orders of one list, in the order in which they were sent: at least one, and each with its list. */
export type ListedOrders = readonly OwnOrder[];

/** A list is executing while one of its orders is open. */
function statuses(orders: ListedOrders) {
  const isExecuting = orders.some(isOpen);
  return {
    contingencyType: contingencyType(orders),
    listStatusType: isExecuting ? "EXEC_STARTED" : "ALL_DONE",
    listOrderStatus: isExecuting ? "EXECUTING" : "ALL_DONE",
  };
}

/** Binance has no name of its own for an OTOCO. */
function contingencyType([order]: ListedOrders): "OCO" | "OTO" {
  return order?.list?.contingency === "OCO" ? "OCO" : "OTO";
}

const changedMs = (orders: ListedOrders) => Math.max(...orders.map(({ updatedMs }) => updatedMs));

export function orderListView({ symbol }: Symbols, orders: ListedOrders) {
  const [first] = orders;
  return {
    orderListId: first?.list?.listId ?? -1,
    ...statuses(orders),
    listClientOrderId: first?.list?.clientListId ?? "",
    transactionTime: changedMs(orders),
    symbol,
    orders: orders.map(({ orderId, clientOrderId }) => ({ symbol, orderId, clientOrderId })),
  };
}

/** The answer to a new list. */
export function newListAnswer(
  symbols: Symbols,
  placed: readonly { readonly order: OwnOrder; readonly trades: readonly OwnTrade[] }[],
  responseType: ResponseType,
) {
  const orderReports = placed.map(({ order, trades }) => newOrderAnswer(symbols, order, trades, responseType));
  return {
    ...orderListView(
      symbols,
      placed.map(({ order }) => order),
    ),
    orderReports,
  };
}

/** The answer to the cancel of a list. @param cancelId names the cancel */
export function canceledListAnswer(symbols: Symbols, orders: ListedOrders, cancelId: string) {
  return {
    ...orderListView(symbols, orders),
    orderReports: orders.map((order) => cancelAnswer(symbols, order, cancelId)),
  };
}

/** What the user stream says of a list: that it has begun, or that it is over. */
export function listStatus({ symbol }: Symbols, orders: ListedOrders, eventMs: number) {
  const { listStatusType, listOrderStatus } = statuses(orders);
  const [first] = orders;
  return {
    e: "listStatus",
    E: eventMs,
    s: symbol,
    g: first?.list?.listId ?? -1,
    c: contingencyType(orders),
    l: listStatusType,
    L: listOrderStatus,
    r: "NONE",
    C: first?.list?.clientListId ?? "",
    T: changedMs(orders),
    O: orders.map(({ orderId, clientOrderId }) => ({ s: symbol, i: orderId, c: clientOrderId })),
  };
}

/** The answers to a cancel of all orders: a list is one of them. */
export function canceledAnswers(symbols: Symbols, orders: readonly OwnOrder[]): object[] {
  const listed = new Map<number, OwnOrder[]>();
  const answers: (() => object)[] = [];
  for (const order of orders) {
    const { list } = order;
    const known = list && listed.get(list.listId);
    if (known !== undefined) known.push(order);
    else if (list === undefined) answers.push(() => cancelAnswer(symbols, order, randomUUID()));
    else {
      const ofList = [order];
      listed.set(list.listId, ofList);
      answers.push(() => canceledListAnswer(symbols, ofList, randomUUID()));
    }
  }
  return answers.map((answer) => answer());
}
