/** What the venue says of an order that it does not take, in words for its owner. Codes are those of `packages/matching`. */
const refusals: Readonly<Record<string, string>> = {
  INSUFFICIENT_BALANCE: "the account has not enough for it beside its other orders",
  INSUFFICIENT_MARGIN: "the account has not enough margin for it beside its position and other orders",
  WOULD_TRIGGER: "the market has reached its stop price already",
  MIN_NOTIONAL: "its value is below the least that the market takes",
  INVALID_AMOUNT: "the market takes no such amount",
  INVALID_PRICE: "the market takes no such price",
  TOO_MANY_ORDERS: "too many orders are open",
  NOT_REDUCING: "there is no position that it would make smaller",
  PAST_EXPIRY: "the time until which it was to be good was over",
  WOULD_TAKE: "post only, and one of its list would have traded at once",
  DUPLICATE_ID: "an open order has its name already",
};

/** Why an order ended that was not filled, or not completely. */
const endings: Readonly<Record<string, string>> = {
  "would-take": "post only, and it would have traded at once",
  "not-filled-at-once": "not all of it could be filled at once",
  "no-liquidity": "the book had no more",
  "insufficient-funds": "the account could not pay for it any more",
  "no-position": "there was no position to close",
  "would-trigger": "the market had reached its stop price already",
  "other-order": "the other order of its pair came first",
  "first-order": "the order that it followed ended",
  expired: "the time until which it was good is over",
  countdown: "the countdown of its program ended",
  liquidation: "the position was liquidated",
};

/** A reason of an order as part of a sentence; the venue's own words if it is another one. Undefined for what its owner did. */
export function reasonText(reason: string | null): string | undefined {
  if (reason === null || reason === "canceled" || reason === "replaced" || reason === "filled") return undefined;
  const [, code = "", message = ""] = /^([A-Z_]+): (.*)$/s.exec(reason) ?? [];
  return refusals[code] ?? endings[reason] ?? (message === "" ? reason : message);
}
