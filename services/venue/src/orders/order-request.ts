import { isConditional, isPriced, type OrderType } from "@tapedeck/matching";
import { isZero } from "../account/decimals.js";
import { BinanceError, missingParameter } from "../http/binance-error.js";
import type { Parameters } from "../http/parameters.js";
import type { Market } from "../http/target.js";

/** An order as a client wants it, in the engine's words. Decimals are text. */
export interface OrderRequest {
  readonly clientOrderId: string | undefined;
  readonly side: "buy" | "sell";
  readonly type: OrderType;
  /** Undefined if the venue determines it. */
  readonly amount?: string;
  /** Spot: what a market order shall cost or bring, in its place. */
  readonly quoteAmount?: string;
  /** Futures: closes the position, in its place. */
  readonly closePosition: boolean;
  readonly price?: string;
  readonly stopPrice?: string;
  readonly timeInForce?: "GTC" | "IOC" | "FOK" | "GTX";
  /** Futures: when it ends if it is open then, in milliseconds of the market's time. */
  readonly goodTillMs?: number;
  /** Futures: only what makes the position smaller. */
  readonly reduceOnly: boolean;
}

interface Kind {
  readonly type: OrderType;
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
    TAKE_PROFIT: { type: "TAKE_PROFIT" },
    TAKE_PROFIT_LIMIT: { type: "TAKE_PROFIT_LIMIT" },
  },
  usdm: {
    LIMIT: { type: "LIMIT" },
    MARKET: { type: "MARKET" },
    STOP: { type: "STOP_LIMIT" },
    STOP_MARKET: { type: "STOP" },
    TAKE_PROFIT: { type: "TAKE_PROFIT_LIMIT" },
    TAKE_PROFIT_MARKET: { type: "TAKE_PROFIT" },
  },
};

/** Types of Binance that the engine lacks. */
const withoutEngine = new Set(["TRAILING_STOP_MARKET"]);
/** Parameters that change what an order does, and that the engine lacks. */
const withoutEffect: Readonly<Record<Market, readonly string[]>> = {
  spot: ["trailingDelta", "icebergQty", "pegPriceType", "closePosition"],
  usdm: ["quoteOrderQty"],
};

/** The venue's name of an order's type. */
export function typeName(market: Market, type: OrderType, timeInForce: string | null | undefined): string {
  if (market === "spot" && type === "LIMIT" && timeInForce === "GTX") return "LIMIT_MAKER";
  const names = Object.entries(kinds[market]);
  return names.find(([, kind]) => kind.type === type)?.[0] ?? type;
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
  for (const unsupported of withoutEffect[market]) {
    const value = parameters.text(unsupported);
    if (value !== undefined && value !== "false") throw notSupported(parameters.nameOf(unsupported));
  }
  const { type, postOnly = false } = kind;
  const priced = isPriced(type);
  const price = decimal(parameters, "price", priced);
  const stopPrice = decimal(parameters, stopName, isConditional(kind));
  const timeInForce = timeInForceOf(market, parameters, { priced, postOnly });
  return {
    clientOrderId: clientOrderIdOf(parameters),
    side: side === "BUY" ? "buy" : "sell",
    type,
    ...sizeOf(market, name, type, parameters),
    ...(price !== undefined && { price }),
    ...(stopPrice !== undefined && { stopPrice }),
    ...(timeInForce !== undefined && { timeInForce }),
    ...goodTillOf(market, parameters, priced),
    reduceOnly: market === "usdm" && parameters.text("reduceOnly")?.toLowerCase() === "true",
  };
}

/** How much is traded: an amount, what it shall cost, or the whole position. */
function sizeOf(
  market: Market,
  name: string,
  type: OrderType,
  parameters: Parameters,
): Pick<OrderRequest, "amount" | "quoteAmount" | "closePosition"> {
  if (market === "usdm" && parameters.text("closePosition")?.toLowerCase() === "true")
    return sizeOfClosing(name, type, parameters);
  const quoteAmount = market === "spot" ? decimal(parameters, "quoteOrderQty", "optional") : undefined;
  if (quoteAmount === undefined) return { amount: decimal(parameters, "quantity", true) ?? "0", closePosition: false };
  if (type !== "MARKET") throw notRequired(parameters.nameOf("quoteOrderQty"));
  if (decimal(parameters, "quantity", "optional") !== undefined)
    throw new BinanceError("OPTIONAL_PARAMS_BAD_COMBO", "Combination of optional parameters invalid.");
  return { quoteAmount, closePosition: false };
}

function sizeOfClosing(name: string, type: OrderType, parameters: Parameters) {
  if (!isConditional({ type }) || isPriced(type))
    throw new BinanceError(-4136, `Target strategy invalid for orderType ${name},closePosition true`);
  if (decimal(parameters, "quantity", "optional") !== undefined)
    throw new BinanceError(-4137, "Quantity must be zero with closePosition equals true");
  if (parameters.text("reduceOnly")?.toLowerCase() === "true") throw notRequired("reduceOnly");
  return { closePosition: true };
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
  if (!priced) throw notRequired(parameters.nameOf("timeInForce"));
  if (given === undefined) throw missingParameter(parameters.nameOf("timeInForce"));
  if (given === "GTC" || given === "IOC" || given === "FOK") return given;
  if (given === "GTX" && market === "usdm") return given;
  if (given === "GTD" && market === "usdm") return "GTC";
  throw new BinanceError("INVALID_TIF", "Invalid timeInForce.");
}

/** Binance, too, keeps only whole seconds of it. Clients send 0 with other orders. */
function goodTillOf(market: Market, parameters: Parameters, priced: boolean): Pick<OrderRequest, "goodTillMs"> {
  if (market !== "usdm") return {};
  const given = parameters.integer("goodTillDate") ?? 0;
  if (!priced || parameters.text("timeInForce") !== "GTD") {
    if (given !== 0) throw notRequired("goodTillDate");
    return {};
  }
  if (given === 0) throw missingParameter("goodTillDate");
  return { goodTillMs: Math.floor(given / 1000) * 1000 };
}

/** A positive decimal. Clients send 0 for a value that an order lacks. */
function decimal(parameters: Parameters, name: string, needed: boolean | "optional"): string | undefined {
  const text = parameters.text(name);
  if (text === undefined) {
    if (needed === true) throw missingParameter(parameters.nameOf(name));
    return undefined;
  }
  if (!/^\d{1,20}(\.\d{1,20})?$/.test(text)) {
    const legal = "^([0-9]{1,20})(\\.[0-9]{1,20})?$";
    throw new BinanceError(
      "ILLEGAL_CHARS",
      `Illegal characters found in parameter '${parameters.nameOf(name)}'; legal range is '${legal}'.`,
    );
  }
  if (needed === true) return text;
  if (isZero(text)) return undefined;
  if (needed === "optional") return text;
  throw notRequired(parameters.nameOf(name));
}

function clientOrderIdOf(parameters: Parameters): string | undefined {
  return clientId(parameters, "newClientOrderId") ?? clientId(parameters, "clientAlgoId");
}

/** A client's name of an order, or of a list of orders. @throws BinanceError -1100 */
export function clientId(parameters: Parameters, name: string): string | undefined {
  const id = parameters.text(name);
  if (id === undefined || /^[.A-Z:/a-z0-9_-]{1,36}$/.test(id)) return id;
  const legal = "^[\\.A-Z\\:/a-z0-9_-]{1,36}$";
  throw new BinanceError(
    "ILLEGAL_CHARS",
    `Illegal characters found in parameter '${parameters.nameOf(name)}'; legal range is '${legal}'.`,
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
