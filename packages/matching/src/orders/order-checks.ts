import type { NewOrder } from "../actions.js";
import { type Refusal, refusal } from "../refusals.js";
import type { Instrument } from "../settings.js";
import { isConditional, isPriced } from "./order-types.js";

/** What a venue's filters say of an order; undefined if it may be placed. */
export function checkOrder(order: NewOrder, instrument: Instrument, minNotional: bigint): Refusal | undefined {
  return checkFields(order) ?? checkSize(order, instrument, minNotional) ?? checkPrices(order, instrument, minNotional);
}

function checkFields(order: NewOrder): Refusal | undefined {
  const { id, type, price, stopPrice, timeInForce, quoteAmount, closePosition, reduceOnly, expiresNs } = order;
  const priced = isPriced(type);
  const waits = isConditional({ type });
  if (id.length === 0 || id.length > 64)
    return refusal("MISSING_FIELD", "id: an order needs one of 1 to 64 characters");
  if (priced && price === undefined) return refusal("MISSING_FIELD", `price: an order of type ${type} needs one`);
  if (!priced && price !== undefined) return refusal("FIELD_NOT_ALLOWED", `price: an order of type ${type} has none`);
  if (waits && stopPrice === undefined)
    return refusal("MISSING_FIELD", `stopPrice: an order of type ${type} needs one`);
  if (!waits && stopPrice !== undefined)
    return refusal("FIELD_NOT_ALLOWED", `stopPrice: an order of type ${type} has none`);
  if (!priced && timeInForce !== undefined)
    return refusal("FIELD_NOT_ALLOWED", `timeInForce: an order of type ${type} has none`);
  if (expiresNs !== undefined && (!priced || (timeInForce ?? "GTC") !== "GTC"))
    return refusal("FIELD_NOT_ALLOWED", "expiresNs: belongs to orders with a price that stay until canceled");
  if (quoteAmount !== undefined && type !== "MARKET")
    return refusal("FIELD_NOT_ALLOWED", `quoteAmount: an order of type ${type} has none`);
  if (closePosition === true && (priced || !waits))
    return refusal("FIELD_NOT_ALLOWED", `closePosition: an order of type ${type} has none`);
  if (closePosition === true && reduceOnly === true)
    return refusal("FIELD_NOT_ALLOWED", "reduceOnly: an order with closePosition reduces anyway");
  return undefined;
}

/** The amount, or what stands in its place. */
function checkSize({ amount, quoteAmount, closePosition }: NewOrder, instrument: Instrument, minNotional: bigint) {
  if (quoteAmount === undefined && closePosition !== true) return checkAmount(amount, instrument);
  if (amount !== 0)
    return refusal("FIELD_NOT_ALLOWED", "amount: an order with quoteAmount or closePosition has none of its own");
  if (quoteAmount === undefined) return undefined;
  if (quoteAmount <= 0n) return refusal("INVALID_AMOUNT", "quoteAmount: must be more than 0");
  if (quoteAmount < minNotional)
    return refusal("MIN_NOTIONAL", `quoteAmount: ${quoteAmount} is below the least, ${minNotional} of their units`);
  return undefined;
}

export function checkAmount(amount: number, { lot, minAmount, maxAmount }: Instrument): Refusal | undefined {
  if (!Number.isSafeInteger(amount) || amount <= 0 || amount % lot !== 0)
    return refusal("INVALID_AMOUNT", `amount: ${amount} is not a positive multiple of the lot, ${lot}`);
  if (amount < minAmount) return refusal("INVALID_AMOUNT", `amount: ${amount} is below the least, ${minAmount}`);
  if (amount > maxAmount) return refusal("INVALID_AMOUNT", `amount: ${amount} is above the largest, ${maxAmount}`);
  return undefined;
}

/** @param minNotional in units of price times units of amount */
export function checkPrices(
  order: Pick<NewOrder, "price" | "stopPrice" | "amount" | "closePosition" | "reduceOnly">,
  { tick }: Instrument,
  minNotional: bigint,
): Refusal | undefined {
  for (const field of ["price", "stopPrice"] as const) {
    const price = order[field];
    if (price === undefined) continue;
    if (!Number.isSafeInteger(price) || price <= 0 || price % tick !== 0)
      return refusal("INVALID_PRICE", `${field}: ${price} is not a positive multiple of the tick, ${tick}`);
    const reduces = order.closePosition === true || order.reduceOnly === true;
    if (!reduces && BigInt(price) * BigInt(order.amount) < minNotional)
      return refusal("MIN_NOTIONAL", `amount: ${field} times amount is below the least, ${minNotional} of their units`);
  }
  return undefined;
}
