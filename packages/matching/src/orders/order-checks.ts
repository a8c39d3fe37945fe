import type { NewOrder } from "../actions.js";
import { type Refusal, refusal } from "../refusals.js";
import type { Instrument } from "../settings.js";

/** What a venue's filters say of an order; undefined if it may be placed. */
export function checkOrder(order: NewOrder, instrument: Instrument, minNotional: bigint): Refusal | undefined {
  return checkFields(order) ?? checkAmount(order.amount, instrument) ?? checkPrices(order, instrument, minNotional);
}

function checkFields({ id, type, price, stopPrice, timeInForce }: NewOrder): Refusal | undefined {
  const priced = type === "LIMIT" || type === "STOP_LIMIT";
  const stops = type === "STOP" || type === "STOP_LIMIT";
  if (id.length === 0 || id.length > 64)
    return refusal("MISSING_FIELD", "id: an order needs one of 1 to 64 characters");
  if (priced && price === undefined) return refusal("MISSING_FIELD", `price: an order of type ${type} needs one`);
  if (!priced && price !== undefined) return refusal("FIELD_NOT_ALLOWED", `price: an order of type ${type} has none`);
  if (stops && stopPrice === undefined)
    return refusal("MISSING_FIELD", `stopPrice: an order of type ${type} needs one`);
  if (!stops && stopPrice !== undefined)
    return refusal("FIELD_NOT_ALLOWED", `stopPrice: an order of type ${type} has none`);
  if (!priced && timeInForce !== undefined)
    return refusal("FIELD_NOT_ALLOWED", `timeInForce: an order of type ${type} has none`);
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
  order: Pick<NewOrder, "price" | "stopPrice" | "amount">,
  { tick }: Instrument,
  minNotional: bigint,
): Refusal | undefined {
  for (const field of ["price", "stopPrice"] as const) {
    const price = order[field];
    if (price === undefined) continue;
    if (!Number.isSafeInteger(price) || price <= 0 || price % tick !== 0)
      return refusal("INVALID_PRICE", `${field}: ${price} is not a positive multiple of the tick, ${tick}`);
    if (BigInt(price) * BigInt(order.amount) < minNotional)
      return refusal("MIN_NOTIONAL", `amount: ${field} times amount is below the least, ${minNotional} of their units`);
  }
  return undefined;
}
