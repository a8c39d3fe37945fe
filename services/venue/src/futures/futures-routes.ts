import { isConditional } from "@tapedeck/matching";
import type { KeyedRequest, KeyedRoute } from "../access/signed-route.js";
import { accountAnswers, own } from "../account/account-answers.js";
import { compared, product, sum } from "../account/decimals.js";
import { requestedOrders, requestedTrades } from "../account/histories.js";
import { asUnknown, cancelNamed, namedOrder } from "../account/order-lookup.js";
import { isOpen, type OwnOrder } from "../account/own.js";
import { OwnAccount } from "../account/own-account.js";
import { ownOrder, quotesOf } from "../account/session-trading.js";
import type { Venue } from "../context.js";
import { BinanceError, binanceErrorOf, missingParameter } from "../http/binance-error.js";
import { Parameters } from "../http/parameters.js";
import type { VenueRequest } from "../http/request.js";
import { checkFilters } from "../orders/filters.js";
import { type OrderRequest, orderRequest } from "../orders/order-request.js";
import { invalidGoodTillDate, newOrderRefusal, unknownOrder } from "../orders/refusals.js";
import { algoOrderView, orderView, tradeView } from "./futures-forms.js";

export const { withAccount, withSymbol } = accountAnswers("usdm");

const api = "/fapi/v1";
/** Binance's bounds of `goodTillDate`: so far ahead at least, and a time at most, in ms. */
const mostCountdownMs = 365 * 86_400_000;
const leastTillMs = 600_000;
const mostTillMs = 253_402_300_799_000;
const algo = { id: "algoId", client: "clientAlgoId" };

/** What needs a signature on the futures market, about orders and trades. */
export const futuresOrderRoutes: readonly KeyedRoute[] = [
  {
    method: "POST",
    path: `${api}/order`,
    action: "place_order",
    weight: 0,
    orders: () => 1,
    handle: withSymbol(placeOrder),
  },
  { method: "POST", path: `${api}/order/test`, handle: withSymbol(testOrder) },
  { method: "GET", path: `${api}/order`, handle: withSymbol(showOrder) },
  { method: "PUT", path: `${api}/order`, action: "replace_order", handle: withSymbol(modifyOrder) },
  { method: "DELETE", path: `${api}/order`, action: "cancel_order", handle: withSymbol(cancelOrder) },
  {
    method: "POST",
    path: `${api}/batchOrders`,
    action: "place_order",
    weight: 5,
    orders: batchSize,
    handle: placeBatch,
  },
  { method: "DELETE", path: `${api}/batchOrders`, action: "cancel_orders", handle: withSymbol(cancelBatch) },
  { method: "DELETE", path: `${api}/allOpenOrders`, action: "cancel_orders", handle: withSymbol(cancelAll) },
  {
    method: "POST",
    path: `${api}/countdownCancelAll`,
    action: "cancel_orders",
    weight: 10,
    handle: withSymbol(countDown),
  },
  { method: "GET", path: `${api}/openOrder`, handle: withSymbol(showOrder) },
  { method: "GET", path: `${api}/openOrders`, handle: openOrders(({ symbols }, order) => orderView(symbols, order)) },
  { method: "GET", path: `${api}/allOrders`, weight: 5, handle: withSymbol(allOrders) },
  { method: "GET", path: `${api}/userTrades`, weight: 5, handle: withSymbol(userTrades) },
  {
    method: "POST",
    path: `${api}/algoOrder`,
    action: "place_order",
    weight: 0,
    orders: () => 1,
    handle: withSymbol(placeAlgoOrder),
  },
  { method: "DELETE", path: `${api}/algoOrder`, action: "cancel_order", handle: withAccount(cancelAlgoOrder) },
  { method: "GET", path: `${api}/algoOrder`, handle: withAccount(showAlgoOrder) },
  { method: "DELETE", path: `${api}/algoOpenOrders`, action: "cancel_orders", handle: withSymbol(cancelAllAlgo) },
  {
    method: "GET",
    path: `${api}/openAlgoOrders`,
    handle: openOrders(({ symbols }, order) => algoOrderView(symbols, order), isConditional),
  },
];

/** Lists open orders, of one symbol or of all. */
function openOrders(
  view: (account: OwnAccount, order: OwnOrder) => unknown,
  isWanted: (order: OwnOrder) => boolean = () => true,
): KeyedRoute["handle"] {
  return withAccount(async (account, parameters) => {
    const symbol = parameters.text("symbol");
    if (symbol !== undefined) account.checkSymbol(symbol);
    const { open, fills } = await account.standing();
    const quotes = quotesOf(fills);
    const all = open.map((order) => ownOrder(order, quotes.get(order.order_id) ?? "0", account.timeOf));
    return all.filter(isWanted).map((order) => view(account, order));
  });
}

async function checked(account: OwnAccount, parameters: Parameters, stopName?: string): Promise<OrderRequest> {
  const positionSide = parameters.text("positionSide");
  if (positionSide !== undefined && positionSide !== "BOTH")
    throw new BinanceError(-4061, "Order's position side does not match user's setting.");
  const request = orderRequest("usdm", parameters, stopName);
  checkFilters("usdm", request, account.instrument);
  const { goodTillMs } = request;
  if (goodTillMs !== undefined && (goodTillMs <= account.time + leastTillMs || goodTillMs >= mostTillMs))
    throw invalidGoodTillDate();
  return request;
}

async function place(account: OwnAccount, request: OrderRequest): Promise<OwnOrder> {
  const order = own(account, await account.place(request));
  const refusal = newOrderRefusal("usdm", order);
  if (refusal !== undefined) throw refusal;
  return order;
}

async function placeOrder(account: OwnAccount, parameters: Parameters) {
  return orderView(account.symbols, await place(account, await checked(account, parameters)));
}

async function testOrder(account: OwnAccount, parameters: Parameters) {
  await checked(account, parameters);
  return {};
}

async function showOrder(account: OwnAccount, parameters: Parameters) {
  return orderView(account.symbols, own(account, await namedOrder(account, parameters)));
}

/** Another price, and another amount of the whole order, filled or not. */
async function modifyOrder(account: OwnAccount, parameters: Parameters) {
  const price = parameters.required("price");
  const quantity = parameters.required("quantity");
  const { order } = await namedOrder(account, parameters);
  const request = orderRequest(
    "usdm",
    new Parameters(
      new URLSearchParams({
        ...{ side: order.side.toUpperCase(), type: "LIMIT", timeInForce: "GTC", price, quantity },
      }),
    ),
  );
  checkFilters("usdm", request, account.instrument);
  const open = sum(quantity, `-${order.filled}`);
  if (compared(open, "0") <= 0) throw new BinanceError(-4003, "Quantity less than or equal to what is filled.");
  const change = { price, amount: open };
  return orderView(account.symbols, own(account, await asUnknown(() => account.replace(order.order_id, change))));
}

async function cancelOrder(account: OwnAccount, parameters: Parameters) {
  const canceled = own(account, await cancelNamed(account, parameters));
  if (canceled.status === "FILLED") throw unknownOrder(); // it was filled before the cancel arrived
  const view = orderView(account.symbols, canceled);
  // The market stands still: the cancel is on its way.
  return isOpen(canceled) ? { ...view, status: "PENDING_CANCEL" } : view;
}

async function cancelAll(account: OwnAccount) {
  await account.cancelAll();
  return { code: 200, msg: "The operation of cancel all open order is done." };
}

/** A dead man's switch: it is an action of the session, so nobody has to be alive when it ends. */
async function countDown(account: OwnAccount, parameters: Parameters) {
  parameters.required("countdownTime");
  const ms = parameters.integer("countdownTime", { max: mostCountdownMs }) ?? 0;
  await account.countDown(ms);
  return { symbol: account.symbols.symbol, countdownTime: `${ms}` };
}

function batchSize({ parameters }: VenueRequest): number {
  return listOf(parameters, "batchOrders").length;
}

/** Each order of a batch stands for itself: one that is refused has its error in its place. */
async function placeBatch({ session, parameters }: KeyedRequest, venue: Venue) {
  const account = await OwnAccount.open(session, "usdm", venue);
  const orders = listOf(parameters, "batchOrders");
  return Promise.all(
    orders.map((order) =>
      answered(async () => {
        const fields = new Parameters(new URLSearchParams(textFields(order)));
        account.checkSymbol(fields.required("symbol"));
        return placeOrder(account, fields);
      }),
    ),
  );
}

async function cancelBatch(account: OwnAccount, parameters: Parameters) {
  const byId = parameters.text("orderIdList") !== undefined;
  const name = byId ? "orderId" : "origClientOrderId";
  const ids = listOf(parameters, byId ? "orderIdList" : "origClientOrderIdList");
  return Promise.all(
    ids.map((id) => answered(() => cancelOrder(account, new Parameters(new URLSearchParams({ [name]: `${id}` }))))),
  );
}

async function answered<T>(act: () => Promise<T>) {
  try {
    return await act();
  } catch (error) {
    return binanceErrorOf(error).body;
  }
}

/** A parameter that is a list in JSON, of ten entries at most. */
function listOf(parameters: Parameters, name: string): readonly unknown[] {
  const text = parameters.required(name);
  try {
    const list: unknown = JSON.parse(text);
    if (Array.isArray(list) && list.length > 0 && list.length <= 10) return list;
  } catch {
    // It is answered below.
  }
  throw missingParameter(name);
}

function textFields(order: unknown): Record<string, string> {
  if (typeof order !== "object" || order === null) throw missingParameter("batchOrders");
  return Object.fromEntries(Object.entries(order).map(([name, value]) => [name, `${value}`]));
}

async function allOrders(account: OwnAccount, parameters: Parameters) {
  return (await requestedOrders(account, parameters)).map((order) => orderView(account.symbols, order));
}

async function userTrades(account: OwnAccount, parameters: Parameters) {
  const trades = await requestedTrades(account, parameters);
  return trades.map((trade) => tradeView(account.symbols, trade, product(trade.price, trade.amount)));
}

async function placeAlgoOrder(account: OwnAccount, parameters: Parameters) {
  if (parameters.required("algoType") !== "CONDITIONAL")
    throw new BinanceError("INVALID_PARAMETER", "Invalid algoType.");
  const request = await checked(account, parameters, "triggerPrice");
  if (!isConditional(request)) throw new BinanceError("INVALID_ORDER_TYPE", "Invalid orderType.");
  return algoOrderView(account.symbols, await place(account, request));
}

async function cancelAlgoOrder(account: OwnAccount, parameters: Parameters) {
  const { orderId, clientOrderId } = own(account, await cancelNamed(account, parameters, algo));
  return { algoId: orderId, clientAlgoId: clientOrderId, code: "200", msg: "success" };
}

async function showAlgoOrder(account: OwnAccount, parameters: Parameters) {
  return algoOrderView(account.symbols, own(account, await namedOrder(account, parameters, algo)));
}

async function cancelAllAlgo(account: OwnAccount) {
  const { open } = await account.balance();
  await Promise.all(
    open.filter(isConditional).map(({ order_id }) => asUnknown(() => account.cancel(order_id)).catch(() => undefined)),
  );
  return { code: 200, msg: "The operation of cancel all open order is done." };
}
