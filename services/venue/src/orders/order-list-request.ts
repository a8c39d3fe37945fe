import { compared } from "../account/decimals.js";
import { BinanceError } from "../http/binance-error.js";
import type { Parameters } from "../http/parameters.js";
import { clientId, type OrderRequest, orderRequest } from "./order-request.js";
import { wrongPrices } from "./refusals.js";

/** Orders that depend on each other, as a client wants them, in the engine's words. */
export interface OrderListRequest {
  readonly clientListId: string | undefined;
  /** The others go to the market when it has been filled. */
  readonly first?: OrderRequest;
  /** Of a pair the stop comes first, as in Binance's answers. */
  readonly others: readonly OrderRequest[];
}

/** Reads the parameters of a list. @throws BinanceError that names the parameter, or the rule of Binance that it breaks */
export type ReadOrderList = (parameters: Parameters) => OrderListRequest;

const pairTypes = ["STOP_LOSS", "STOP_LOSS_LIMIT", "LIMIT_MAKER", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"];
const workingTypes = ["LIMIT", "LIMIT_MAKER"];

/** `orderList/oco`: of a pair, one order above the market and one below it. */
export const ocoRequest: ReadOrderList = (parameters) => ({
  ...clientListIdOf(parameters),
  others: pairOf(parameters, { above: "above", below: "below", side: "side", quantity: "quantity" }),
});

/** `orderList/oto`: a working order, and one that follows. */
export const otoRequest: ReadOrderList = (parameters) => ({
  ...clientListIdOf(parameters),
  first: workingOrder(parameters),
  others: [legOf(parameters, "pending", { side: "pendingSide", quantity: "pendingQuantity" })],
});

/** `orderList/otoco`: a working order, and a pair that follows. */
export const otocoRequest: ReadOrderList = (parameters) => ({
  ...clientListIdOf(parameters),
  first: workingOrder(parameters),
  others: pairOf(parameters, {
    above: "pendingAbove",
    below: "pendingBelow",
    side: "pendingSide",
    quantity: "pendingQuantity",
  }),
});

/** `order/oco`, which Binance has given up and clients still send: a limit order and a stop. */
export const oldOcoRequest: ReadOrderList = (parameters) => {
  const shared = { side: "side", quantity: "quantity" };
  const limit = legOf(parameters, "limit", { ...shared, price: "price" }, { type: "LIMIT_MAKER" });
  const type = parameters.text("stopLimitPrice") === undefined ? "STOP_LOSS" : "STOP_LOSS_LIMIT";
  const named = { ...shared, stopPrice: "stopPrice", price: "stopLimitPrice", timeInForce: "stopLimitTimeInForce" };
  const stop = legOf(parameters, "stop", named, { type });
  checkPrices(stop, limit);
  return { ...clientListIdOf(parameters), others: [stop, limit] };
};

function clientListIdOf(parameters: Parameters): Pick<OrderListRequest, "clientListId"> {
  return { clientListId: clientId(parameters, "listClientOrderId") };
}

/**
 * One order of a list, whose parameters have a prefix.
 *
 * @param named those that have another name
 * @param fixed what the client does not say
 */
function legOf(
  parameters: Parameters,
  prefix: string,
  named: Readonly<Record<string, string>>,
  fixed: Readonly<Record<string, string>> = {},
): OrderRequest {
  const names = {
    type: `${prefix}Type`,
    price: `${prefix}Price`,
    stopPrice: `${prefix}StopPrice`,
    timeInForce: `${prefix}TimeInForce`,
    newClientOrderId: `${prefix}ClientOrderId`,
    icebergQty: `${prefix}IcebergQty`,
    trailingDelta: `${prefix}TrailingDelta`,
    pegPriceType: `${prefix}PegPriceType`,
    // Binance has none in lists: the quantity is always required.
    quoteOrderQty: "",
    ...named,
  };
  return orderRequest("spot", parameters.renamed(names, fixed));
}

function workingOrder(parameters: Parameters): OrderRequest {
  if (!workingTypes.includes(parameters.required("workingType")))
    throw new BinanceError("INVALID_ORDER_TYPE", "Invalid orderType.");
  return legOf(parameters, "working", { side: "workingSide", quantity: "workingQuantity" });
}

interface PairNames {
  readonly above: string;
  readonly below: string;
  readonly side: string;
  readonly quantity: string;
}

function pairOf(parameters: Parameters, { above, below, side, quantity }: PairNames): readonly OrderRequest[] {
  const types = [above, below].map((prefix) => parameters.required(`${prefix}Type`));
  if (types.some((type) => !pairTypes.includes(type)))
    throw new BinanceError("OCO_ORDER_TYPE_REJECTED", "Order type not supported in OCO.");
  const [upper, lower] = [above, below].map((prefix) => legOf(parameters, prefix, { side, quantity }));
  if (upper === undefined || lower === undefined) return [];
  checkSides(upper, lower);
  const [stop, profit] = isStop(upper) ? [upper, lower] : [lower, upper];
  checkPrices(stop, profit);
  return [stop, profit];
}

const isStop = ({ type }: OrderRequest) => type === "STOP" || type === "STOP_LIMIT";
const isLimit = ({ type }: OrderRequest) => type === "LIMIT";

/** Which of a pair is above the market, and which below. */
function checkSides(upper: OrderRequest, lower: OrderRequest): void {
  if (isLimit(upper) && isLimit(lower)) throw new BinanceError(-1168, "At least one OCO order must be contingent.");
  const buys = upper.side === "buy";
  // A buyer's stop is above the market, a seller's below it.
  const [ofStop, ofProfit] = buys ? [upper, lower] : [lower, upper];
  if (isLimit(ofStop))
    throw buys
      ? new BinanceError(-1165, "A limit order in a buy OCO must be below.")
      : new BinanceError(-1166, "A limit order in a sell OCO must be above.");
  if (isStop(ofProfit))
    throw buys
      ? new BinanceError(-1196, "A stop loss order in a buy OCO must be above.")
      : new BinanceError(-1197, "A stop loss order in a sell OCO must be below.");
  if (isStop(ofStop)) return;
  throw buys
    ? new BinanceError(-1198, "A take profit order in a buy OCO must be below.")
    : new BinanceError(-1199, "A take profit order in a sell OCO must be above.");
}

/** The market has to be between the two, so there has to be something between them. */
function checkPrices({ side, stopPrice = "0" }: OrderRequest, profit: OrderRequest): void {
  const difference = compared(profit.price ?? profit.stopPrice ?? "0", stopPrice);
  if (side === "buy" ? difference >= 0 : difference <= 0) throw wrongPrices();
}
