import type { SessionOrder } from "@tapedeck/protocol";
import { badArgument } from "../errors.js";
import { requireObject, type TapeTime } from "../options.js";
import { randomName } from "../random-name.js";

/** A price or an amount. Text is exact; a number is sent as JavaScript writes it. */
export type Decimal = string | number;

/** An order to place. Which fields belong to which type is checked by the cluster. */
export interface NewOrder {
  readonly side: SessionOrder["side"];
  readonly type: SessionOrder["type"];
  /** Of the base currency. Required without `quoteAmount` and `closePosition`. */
  readonly amount?: Decimal;
  /** Of MARKET, in place of `amount`: what to pay, or to get, in the quote currency, fees apart. */
  readonly quoteAmount?: Decimal;
  /** Of STOP and TAKE_PROFIT on a futures account, in place of `amount`: closes the position. */
  readonly closePosition?: boolean;
  /** On a futures account: only what makes the position smaller. */
  readonly reduceOnly?: boolean;
  /** Of LIMIT, STOP_LIMIT and TAKE_PROFIT_LIMIT. */
  readonly price?: Decimal;
  /** Of STOP and TAKE_PROFIT, and of those with a limit: a trade there makes MARKET or LIMIT of it. */
  readonly stopPrice?: Decimal;
  /** Of orders with a price; GTC by default. GTX is post-only. */
  readonly timeInForce?: NonNullable<SessionOrder["time_in_force"]>;
  /** Of orders with a price and GTC: when it ends if it is open then, in tape time. */
  readonly expiresAt?: TapeTime;
  /** Your name of the order; by default the SDK gives it one. An order is sent once under a name. */
  readonly clientOrderId?: string;
}

/** Orders that depend on each other, sent together. */
export interface NewOrderList {
  /** A LIMIT order; the others go to the market when it has been filled. */
  readonly first?: NewOrder;
  /** One that follows the first, or a pair of which one ends the other: a stop, and LIMIT or a take profit. */
  readonly others: readonly NewOrder[];
  /** Your name of the list; by default the SDK gives it one. A list is sent once under a name. */
  readonly clientListId?: string;
}

/** What changes of an order; what is left out stays. */
export interface OrderChange {
  readonly price?: Decimal;
  /** What shall be open of it. */
  readonly amount?: Decimal;
  /** Of an order that waits for it. */
  readonly stopPrice?: Decimal;
}

/** The cluster's names, with numbers as text. */
export function orderBody(given: NewOrder | OrderChange): object {
  const fields = Object.entries(requireObject("order", given)).filter(([, value]) => value !== undefined);
  return Object.fromEntries(
    fields.map(([name, value]) => [
      name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      name === "expiresAt" ? isoTime(value) : typeof value === "number" ? `${value}` : value,
    ]),
  );
}

export function listBody(given: NewOrderList): object {
  const { first, others, clientListId = randomName() } = requireObject("list", given);
  if (!Array.isArray(others)) throw badArgument("others", "must be a list of orders");
  return { first: first && orderBody(first), others: others.map(orderBody), client_list_id: clientListId };
}

function isoTime(time: unknown): unknown {
  if (!(time instanceof Date) && typeof time !== "number") return time;
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) throw badArgument("expiresAt", "must be a valid time");
  return date.toISOString();
}
