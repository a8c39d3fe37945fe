import type { OrderSide } from "../orders/order-types.js";
import type { Instrument } from "../settings.js";

/** Decimals of a rate: 1 is a hundred-millionth. */
const rateDecimals = 8;
export const perRate = 10n ** BigInt(rateDecimals);

/** With so many decimals of the quote currency every price, amount and fee is a whole number, so nothing is rounded. */
export function quoteDecimals({ priceDecimals, amountDecimals }: Instrument): number {
  return priceDecimals + amountDecimals + rateDecimals;
}

/** Price times amount, in units of the quote currency. */
export function notional(price: number, amount: number): bigint {
  return BigInt(price) * BigInt(amount) * perRate;
}

/** The fee for trading a value at a rate. Exact, since a value is a multiple of 10^8. */
export function feeOf(value: bigint, rate: number): bigint {
  return (value / perRate) * BigInt(rate);
}

/** A decimal number as an integer with so many decimals; further ones are cut off. */
export function scaled(text: string, decimals: number): bigint {
  const [whole = "0", fraction = ""] = text.split(".");
  return BigInt(whole + fraction.slice(0, decimals).padEnd(decimals, "0"));
}

/** A trade of ours, as accounts see it. */
export interface AccountFill {
  readonly side: OrderSide;
  readonly price: number;
  readonly amount: number;
  readonly fee: bigint;
}

/** What an open order, or one that wants to be, can cost at most. */
export interface Commitment {
  readonly side: OrderSide;
  readonly amount: number;
  /** Price times amount, in units of the quote currency. */
  readonly value: bigint;
}
