import { randomUUID } from "node:crypto";
import type { KeyedRoute } from "../access/signed-route.js";
import { own } from "../account/account-answers.js";
import { compared, product, sum } from "../account/decimals.js";
import { requestedOrders, requestedTrades } from "../account/histories.js";
import { asUnknown, cancelNamed, namedOrder } from "../account/order-lookup.js";
import type { OwnAccount } from "../account/own-account.js";
import { ownOrder, ownTrade, quotesOf } from "../account/session-trading.js";
import { BinanceError, binanceErrorOf } from "../http/binance-error.js";
import type { Parameters } from "../http/parameters.js";
import { checkFilters, checkQuantity } from "../orders/filters.js";
import { orderRequest } from "../orders/order-request.js";
import { newOrderRefusal, unknownOrder } from "../orders/refusals.js";
import { canceledAnswers } from "./order-list-forms.js";
import { balances, responseTypeOf, withAccount, withSymbol } from "./spot-account.js";
import { accountView, amendAnswer, cancelAnswer, newOrderAnswer, orderView, tradeView } from "./spot-forms.js";

const api = "/api/v3";

/** What needs a signature on the spot market. */
export const spotRoutes: readonly KeyedRoute[] = [
  {
    method: "POST",
    path: `${api}/order`,
    action: "place_order",
    orders: () => 1,
    handle: withSymbol(placeOrder),
  },
  { method: "POST", path: `${api}/order/test`, handle: withSymbol(testOrder) },
  { method: "GET", path: `${api}/order`, weight: 4, handle: withSymbol(showOrder) },
  {
    method: "DELETE",
    path: `${api}/order`,
    action: "cancel_order",
    handle: withSymbol(cancelOrder),
  },
  {
    method: "POST",
    path: `${api}/order/cancelReplace`,
    action: "replace_order",
    orders: () => 1,
    handle: withSymbol(cancelReplace),
  },
  {
    method: "PUT",
    path: `${api}/order/amend/keepPriority`,
    action: "replace_order",
    weight: 4,
    handle: withSymbol(amendOrder),
  },
  {
    method: "GET",
    path: `${api}/openOrders`,
    weight: ({ parameters }) => (parameters.text("symbol") === undefined ? 80 : 6),
    handle: withAccount(async (account, parameters) => {
      const symbol = parameters.text("symbol");
      if (symbol !== undefined) account.checkSymbol(symbol);
      const { open, fills } = await account.standing();
      const quotes = quotesOf(fills);
      return open.map((order) =>
        orderView(account.symbols, ownOrder(order, quotes.get(order.order_id) ?? "0", account.timeOf)),
      );
    }),
  },
  {
    method: "DELETE",
    path: `${api}/openOrders`,
    action: "cancel_orders",
    handle: withSymbol(async (account) => {
      const canceled = await account.cancelAll();
      if (canceled.length === 0) throw unknownOrder();
      return canceledAnswers(
        account.symbols,
        canceled.map((outcome) => own(account, outcome)),
      );
    }),
  },
  {
    method: "GET",
    path: `${api}/allOrders`,
    weight: 20,
    handle: withSymbol(allOrders),
  },
  {
    method: "GET",
    path: `${api}/myTrades`,
    weight: 20,
    handle: withSymbol(myTrades),
  },
  {
    method: "GET",
    path: `${api}/account`,
    weight: 20,
    handle: withAccount(async (account) =>
      accountView(account.symbols, await balances(account), account.settings.fees, account.time),
    ),
  },
  {
    method: "GET",
    path: `${api}/account/commission`,
    weight: 20,
    handle: withSymbol(async ({ symbols: { symbol }, settings: { fees } }) => {
      const none = { maker: "0", taker: "0", buyer: "0", seller: "0" };
      const discount = { enabledForAccount: false, enabledForSymbol: false, discountAsset: "BNB", discount: "0" };
      const standardCommission = { ...none, maker: fees.maker, taker: fees.taker };
      return { symbol, standardCommission, specialCommission: none, taxCommission: none, discount };
    }),
  },
  { method: "GET", path: `${api}/rateLimit/order`, weight: 40, handle: () => [] },
];

async function placeOrder(account: OwnAccount, parameters: Parameters) {
  const request = orderRequest("spot", parameters);
  const responseType = responseTypeOf(parameters, request.type);
  checkFilters("spot", request, account.instrument);
  const outcome = await account.place(request);
  const order = own(account, outcome);
  const refusal = newOrderRefusal("spot", order);
  if (refusal !== undefined) throw refusal;
  const trades = outcome.fills.map((fill) => ownTrade(fill, account.timeOf));
  return newOrderAnswer(account.symbols, order, trades, responseType);
}

async function testOrder(account: OwnAccount, parameters: Parameters) {
  checkFilters("spot", orderRequest("spot", parameters), account.instrument);
  return {};
}

async function showOrder(account: OwnAccount, parameters: Parameters) {
  return orderView(account.symbols, own(account, await namedOrder(account, parameters)));
}

async function cancelOrder(account: OwnAccount, parameters: Parameters) {
  const canceled = own(account, await cancelNamed(account, parameters));
  if (canceled.status === "FILLED") throw unknownOrder(); // it was filled before the cancel arrived
  return cancelAnswer(account.symbols, canceled, parameters.text("newClientOrderId") ?? randomUUID());
}

/** Makes a resting order smaller, which keeps its place in the queue, its id and its client's id. */
async function amendOrder(account: OwnAccount, parameters: Parameters) {
  const quantity = parameters.required("newQty");
  const { order } = await namedOrder(account, parameters);
  const named = parameters.text("newClientOrderId") ?? order.client_order_id;
  if (named !== order.client_order_id)
    throw notAmended("Parameter 'newClientOrderId' is not supported by Tapedeck's venue.");
  checkQuantity(quantity, account.instrument);
  if (compared(quantity, order.amount) >= 0) throw notAmended("Order amend (quantity increase) is not supported.");
  const open = sum(quantity, `-${order.filled}`);
  if (order.price === null || compared(open, "0") <= 0)
    throw notAmended("Order amend is not supported for this order.");
  const change = { price: order.price, amount: open };
  const amended = own(account, await asUnknown(() => account.replace(order.order_id, change)));
  return amendAnswer(account.symbols, amended);
}

function notAmended(message: string): BinanceError {
  return new BinanceError(-2038, message);
}

/** Cancels, then places. Without success in both, the answer is an error that says what became of each. */
async function cancelReplace(account: OwnAccount, parameters: Parameters) {
  const mode = parameters.oneOf("cancelReplaceMode", ["STOP_ON_FAILURE", "ALLOW_FAILURE"]);
  if (mode === undefined) parameters.required("cancelReplaceMode");
  checkFilters("spot", orderRequest("spot", parameters), account.instrument);
  const cancelResponse = await attempted(async () => {
    const names = { id: "cancelOrderId", client: "cancelOrigClientOrderId" };
    const canceled = own(account, await cancelNamed(account, parameters, names));
    if (canceled.status === "FILLED") throw unknownOrder();
    return cancelAnswer(account.symbols, canceled, parameters.text("cancelNewClientOrderId") ?? randomUUID());
  });
  const isStopped = cancelResponse.failed && mode === "STOP_ON_FAILURE";
  const placed = isStopped ? undefined : await attempted(() => placeOrder(account, parameters));
  const data = {
    cancelResult: cancelResponse.failed ? "FAILURE" : "SUCCESS",
    newOrderResult: placed === undefined ? "NOT_ATTEMPTED" : placed.failed ? "FAILURE" : "SUCCESS",
    cancelResponse: cancelResponse.answer,
    newOrderResponse: placed?.answer ?? null,
  };
  if (!cancelResponse.failed && placed?.failed === false) return data;
  if (cancelResponse.failed && placed?.failed !== false)
    throw new BinanceError(-2022, "Order cancel-replace failed.", { data });
  throw new BinanceError(-2021, "Order cancel-replace partially failed.", { status: 409, data });
}

async function attempted<T>(act: () => Promise<T>) {
  try {
    return { failed: false, answer: await act() } as const;
  } catch (error) {
    return { failed: true, answer: binanceErrorOf(error).body } as const;
  }
}

async function allOrders(account: OwnAccount, parameters: Parameters) {
  return (await requestedOrders(account, parameters)).map((order) => orderView(account.symbols, order));
}

async function myTrades(account: OwnAccount, parameters: Parameters) {
  const trades = await requestedTrades(account, parameters);
  return trades.map((trade) => tradeView(account.symbols, trade, product(trade.price, trade.amount)));
}
