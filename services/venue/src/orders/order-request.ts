import { isZero } from "../account/decimals.js";
import { BinanceError, missingParameter } from "../http/binance-error.js";
import type { Parameters } from "../http/parameters.js";
import type { Market } from "../http/target.js";

/** An order as a client wants it, in the engine's words. Decimals are text. */
export interface OrderRequest {
  readonly clientOrderId: string | undefined;
  readonly side: "buy" | "sell";
  readonly type: "MARKET" | "LIMIT" | "STOP" | "STOP_LIMIT";
  readonly amount: string;
  readonly price?: string;
  readonly stopPrice?: string;
  readonly timeInForce?: "GTC" | "IOC" | "FOK" | "GTX";
  /** Futures: only what makes the position smaller. */
  readonly reduceOnly: boolean;
}

interface Kind {
  readonly type: OrderRequest["type"];
  readonly postOnly?: boolean;
}

/** The venue's names of order types, by market. */
const kinds: Readonly<Record<Market, Readonly<Record<string, Kind>>>> = {
  spot: {
    LIMIT: { type: "LIMIT" },
    LIMIT_MAKER: { type: "LIMIT", postOnly: true },
    MARKET: { type: "MARKET" },
    STOP_LOSS: { type: "STOP" },
    STOP_LOSS_LIMIT: { type: "STOP_LIMIT" },
  },
  usdm: {
    LIMIT: { type: "LIMIT" },
    MARKET: { type: "MARKET" },
    STOP: { type: "STOP_LIMIT" },
    STOP_MARKET: { type: "STOP" },
  },
};

/** Types that Binance has and the engine has not. */
const withoutEngine = new Set(["TAKE_PROFIT", "TAKE_PROFIT_LIMIT", "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET"]);
/** Parameters that change what an order does, and that the engine has not. */
const withoutEffect = ["quoteOrderQty", "trailingDelta", "icebergQty", "pegPriceType", "closePosition", "goodTillDate"];

/** The venue's name of an order's type. */
export function typeName(market: Market, type: OrderRequest["type"], timeInForce: string | null | undefined): string {
  if (market === "usdm") return { MARKET: "MARKET", LIMIT: "LIMIT", STOP: "STOP_MARKET", STOP_LIMIT: "STOP" }[type];
  if (type === "LIMIT" && timeInForce === "GTX") return "LIMIT_MAKER";
  return { MARKET: "MARKET", LIMIT: "LIMIT", STOP: "STOP_LOSS", STOP_LIMIT: "STOP_LOSS_LIMIT" }[type];
}

/**
 * Reads the parameters of a new order. Filters are not checked yet.
 *
 * @param stopName futures' algo orders call the stop price otherwise
 * @throws BinanceError that names the parameter
 */
export function orderRequest(market: Market, parameters: Parameters, stopName = "stopPrice"): OrderRequest {
  const side = parameters.required("side");
  if (side !== "BUY" && side !== "SELL") throw new BinanceError("INVALID_SIDE", "Invalid side.");
  const name = parameters.required("type");
  const kind = kinds[market][name];
  if (kind === undefined) throw unknownType(name);
  for (const unsupported of withoutEffect) {
    const value = parameters.text(unsupported);
    if (value !== undefined && value !== "false") throw notSupported(unsupported);
  }
  const { type, postOnly = false } = kind;
  const priced = type === "LIMIT" || type === "STOP_LIMIT";
  const stops = type === "STOP" || type === "STOP_LIMIT";
  const amount = decimal(parameters, "quantity", true);
  const price = decimal(parameters, "price", priced);
  const stopPrice = decimal(parameters, stopName, stops);
  const timeInForce = timeInForceOf(market, parameters, { priced, postOnly });
  return {
    clientOrderId: clientOrderIdOf(parameters),
    side: side === "BUY" ? "buy" : "sell",
    type,
    amount: amount ?? "0",
    ...(price !== undefined && { price }),
    ...(stopPrice !== undefined && { stopPrice }),
    ...(timeInForce !== undefined && { timeInForce }),
    reduceOnly: market === "usdm" && parameters.text("reduceOnly")?.toLowerCase() === "true",
  };
}

function timeInForceOf(
  market: Market,
  parameters: Parameters,
  { priced, postOnly }: { readonly priced: boolean; readonly postOnly: boolean },
): OrderRequest["timeInForce"] {
  const given = parameters.text("timeInForce");
  if (postOnly) return "GTX";
  // Futures ignore one where it has no meaning, and clients send it.
  if (!priced && (given === undefined || market === "usdm")) return undefined;
  if (!priced) throw notRequired("timeInForce");
  if (given === undefined) throw missingParameter("timeInForce");
  if (given === "GTC" || given === "IOC" || given === "FOK") return given;
  if (given === "GTX" && market === "usdm") return given;
  throw new BinanceError("INVALID_TIF", "Invalid timeInForce.");
}

/** A positive decimal. Clients send 0 for what an order has not. */
function decimal(parameters: Parameters, name: string, needed: boolean): string | undefined {
  const text = parameters.text(name);
  if (text === undefined) {
    if (needed) throw missingParameter(name);
    return undefined;
  }
  if (!/^\d{1,20}(\.\d{1,20})?$/.test(text)) {
    const legal = "^([0-9]{1,20})(\\.[0-9]{1,20})?$";
    throw new BinanceError(
      "ILLEGAL_CHARS",
      `Illegal characters found in parameter '${name}'; legal range is '${legal}'.`,
    );
  }
  if (needed) return text;
  if (isZero(text)) return undefined;
  throw notRequired(name);
}

function clientOrderIdOf(parameters: Parameters): string | undefined {
  const id = parameters.text("newClientOrderId") ?? parameters.text("clientAlgoId");
  if (id === undefined || /^[.A-Z:/a-z0-9_-]{1,36}$/.test(id)) return id;
  const legal = "^[\\.A-Z\\:/a-z0-9_-]{1,36}$";
  throw new BinanceError(
    "ILLEGAL_CHARS",
    `Illegal characters found in parameter 'newClientOrderId'; legal range is '${legal}'.`,
  );
}

function unknownType(name: string): BinanceError {
  if (!withoutEngine.has(name)) return new BinanceError("INVALID_ORDER_TYPE", "Invalid orderType.");
  return new BinanceError("INVALID_ORDER_TYPE", `Orders of type ${name} are not supported by Tapedeck's venue.`);
}

function notSupported(name: string): BinanceError {
  return new BinanceError("PARAM_NOT_REQUIRED", `Parameter '${name}' is not supported by Tapedeck's venue.`);
}

function notRequired(name: string): BinanceError {
  return new BinanceError("PARAM_NOT_REQUIRED", `Parameter '${name}' sent when not required.`);
}
