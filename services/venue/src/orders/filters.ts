import type { MatchingSettings } from "@tapedeck/matching";
import { compared, decimalsOf, product, unitsOf } from "../account/decimals.js";
import { BinanceError } from "../http/binance-error.js";
import type { Market } from "../http/target.js";
import type { OrderRequest } from "./order-request.js";

type Instrument = MatchingSettings["instrument"];

/** Decimals of spot's prices and amounts; more are an error of form, not of a filter. */
const spotDecimals = 8;

/**
 * Checks an order by the instrument's filters, as the venue does before it reaches the matching.
 *
 * @throws BinanceError -1013 (spot) with the filter's name, -1111, or futures' own codes
 */
export function checkFilters(market: Market, order: OrderRequest, instrument: Instrument): void {
  const check = market === "spot" ? spotFilters : futuresFilters;
  check(order, instrument);
}

/** Checks what of a spot order shall be traded. @throws BinanceError -1100, -1111, or -1013 with the filter's name */
export function checkQuantity(text: string, instrument: Instrument): void {
  if (!/^\d{1,20}(\.\d{1,20})?$/.test(text))
    throw new BinanceError(
      "ILLEGAL_CHARS",
      "Illegal characters found in parameter 'newQty'; it must be a decimal number.",
    );
  if (decimalsOf(text) > spotDecimals) throw tooPrecise("Parameter 'newQty' has too much precision.");
  if (amountProblem(text, instrument) !== undefined) throw filterFailure("LOT_SIZE");
}

function spotFilters(order: OrderRequest, instrument: Instrument): void {
  for (const [name, text] of decimals(order)) {
    if (decimalsOf(text) > spotDecimals) throw tooPrecise(`Parameter '${name}' has too much precision.`);
  }
  for (const text of prices(order)) if (!isPrice(text, instrument)) throw filterFailure("PRICE_FILTER");
  const { amount, quoteAmount } = order;
  if (quoteAmount !== undefined && compared(quoteAmount, instrument.minNotional) < 0) throw filterFailure("NOTIONAL");
  if (amount === undefined) return;
  if (amountProblem(amount, instrument) !== undefined) throw filterFailure("LOT_SIZE");
  for (const text of prices(order)) {
    if (compared(product(text, amount), instrument.minNotional) < 0) throw filterFailure("NOTIONAL");
  }
}

function futuresFilters(order: OrderRequest, instrument: Instrument): void {
  const { priceDecimals, amountDecimals, minNotional } = instrument;
  for (const [name, text] of decimals(order)) {
    if (decimalsOf(text) > (name === "quantity" ? amountDecimals : priceDecimals))
      throw tooPrecise("Precision is over the maximum defined for this asset.");
  }
  for (const text of prices(order)) {
    if (compared(text, "0") <= 0) throw new BinanceError(-4001, "Price less than 0.");
    if (!isPrice(text, instrument)) throw new BinanceError(-4014, "Price not increased by tick size.");
  }
  const { amount } = order;
  if (amount === undefined) return;
  const problem = amountProblem(amount, instrument);
  if (problem === "zero") throw new BinanceError(-4003, "Quantity less than or equal to zero.");
  if (problem === "small") throw new BinanceError(-4004, "Quantity less than min quantity.");
  if (problem === "large") throw new BinanceError(-4005, "Quantity greater than max quantity.");
  if (problem === "step") throw new BinanceError(-4023, "Quantity not increased by step size.");
  if (order.reduceOnly) return;
  for (const text of prices(order)) {
    if (compared(product(text, amount), minNotional) >= 0) continue;
    const message = `Order's notional must be no smaller than ${minNotional} (unless you choose reduce only).`;
    throw new BinanceError(-4164, message);
  }
}

function decimals(order: OrderRequest): readonly (readonly [name: string, text: string])[] {
  const { amount, quoteAmount, price, stopPrice } = order;
  const all: (readonly [name: string, text: string])[] = [];
  if (amount !== undefined) all.push(["quantity", amount]);
  if (quoteAmount !== undefined) all.push(["quoteOrderQty", quoteAmount]);
  if (price !== undefined) all.push(["price", price]);
  if (stopPrice !== undefined) all.push(["stopPrice", stopPrice]);
  return all;
}

function prices({ price, stopPrice }: OrderRequest): string[] {
  return [price, stopPrice].filter((text) => text !== undefined);
}

function isPrice(text: string, { priceDecimals, tick }: Instrument): boolean {
  const units = unitsOf(text, priceDecimals);
  return units !== undefined && units > 0 && units % tick === 0;
}

function amountProblem(
  text: string,
  { amountDecimals, lot, minAmount, maxAmount }: Instrument,
): "zero" | "small" | "large" | "step" | undefined {
  const units = unitsOf(text, amountDecimals);
  if (units === 0) return "zero";
  if (units === undefined) return decimalsOf(text) > amountDecimals ? "step" : "large";
  if (units < minAmount) return "small";
  if (units > maxAmount) return "large";
  return units % lot === 0 ? undefined : "step";
}

function filterFailure(filter: string): BinanceError {
  return new BinanceError("INVALID_MESSAGE", `Filter failure: ${filter}`);
}

function tooPrecise(message: string): BinanceError {
  return new BinanceError("BAD_PRECISION", message);
}
