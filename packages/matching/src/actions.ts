import type { OrderSide, OrderType } from "./orders/order-types.js";
import type { RefusalCode } from "./refusals.js";

/** GTX is post-only. */
export type TimeInForce = "GTC" | "IOC" | "FOK" | "GTX";

/** An order as its owner sends it. Prices and amounts are integers that count the instrument's last decimal. */
export interface NewOrder {
  /** The owner's, different from those of the owner's open orders. */
  readonly id: string;
  readonly side: OrderSide;
  readonly type: OrderType;
  /** 0 where the venue determines it: with `quoteAmount`, and with `closePosition`. */
  readonly amount: number;
  /** Of a MARKET order, in place of `amount`: what a buyer pays or a seller gets, fees apart, in units of price times units of amount. */
  readonly quoteAmount?: bigint | undefined;
  /** Of STOP and TAKE_PROFIT on a futures account, in place of `amount`: closes the position, whatever it is when the order is triggered. */
  readonly closePosition?: boolean | undefined;
  /** Of a futures account: only what makes the position smaller. */
  readonly reduceOnly?: boolean | undefined;
  /** Of LIMIT, STOP_LIMIT and TAKE_PROFIT_LIMIT. */
  readonly price?: number | undefined;
  /** Of the others but MARKET and LIMIT: the price of a trade that makes a MARKET or a LIMIT order of it. */
  readonly stopPrice?: number | undefined;
  /** Of those with a price; GTC unless given. */
  readonly timeInForce?: TimeInForce | undefined;
  /** Of those with a price: when it ends if it is open then, by the tape's clock, in nanoseconds since 1970. Not of one in a list. */
  readonly expiresNs?: bigint | undefined;
}

/** Orders that depend on each other. All of them are accepted, or none. */
export interface NewOrderList {
  /** A LIMIT order that goes to the market alone: the others follow when it has been filled completely. */
  readonly first?: NewOrder | undefined;
  /** One, or two of which the fate of one ends the other. */
  readonly others: readonly NewOrder[];
}

interface AnyAction {
  /** When the owner sends it, by the tape's clock, in nanoseconds since 1970. Never before the action sent last. */
  readonly sentNs: bigint;
}

export type Action =
  | (AnyAction & { readonly kind: "place"; readonly order: NewOrder })
  | (AnyAction & { readonly kind: "place-list"; readonly list: NewOrderList })
  | (AnyAction & { readonly kind: "cancel"; readonly id: string })
  | (AnyAction & { readonly kind: "cancel-all" })
  /** Cancels all orders that are open at a time, unless another countdown arrives before; undefined: there is none any more. */
  | (AnyAction & { readonly kind: "countdown"; readonly endsNs: bigint | undefined })
  | (AnyAction & Replacement);

/**
 * Another price and another open amount for a resting order. It keeps its place in the queue only if the price stays and the amount does not rise.
 * With `stopPrice`, for an order that waits for one.
 */
export interface Replacement {
  readonly kind: "replace";
  readonly id: string;
  /** Of an order that has one. */
  readonly price?: number | undefined;
  /** 0 of an order that closes the position. */
  readonly amount: number;
  readonly stopPrice?: number | undefined;
}

/** Why an order is no longer open, besides having been filled. */
export type DoneReason =
  | "filled"
  | "canceled"
  | "replaced"
  | "would-take"
  | "not-filled-at-once"
  | "no-liquidity"
  | "insufficient-funds"
  | "no-position"
  | "would-trigger"
  /** The other order of a pair was triggered, filled, or ended. */
  | "other-order"
  /** The first order of a list ended before it was filled completely. */
  | "first-order"
  | "expired"
  | "countdown"
  | "liquidation";

interface AnyOutput {
  /** When it happened at the venue, by the tape's clock. */
  readonly atNs: bigint;
  /** When the owner learns of it. */
  readonly heardNs: bigint;
  /** The last event of the tape that had happened; -1: none. */
  readonly n: number;
}

interface OfOrder extends AnyOutput {
  /** The venue's number of the order, from 1. */
  readonly order: number;
  readonly id: string;
}

export interface Fill extends OfOrder {
  readonly kind: "fill";
  /** Its number, from 1. */
  readonly trade: number;
  readonly side: OrderSide;
  readonly price: number;
  readonly amount: number;
  readonly maker: boolean;
  /** In the account's units of the quote currency. */
  readonly fee: bigint;
  /** What of the order is still open. */
  readonly open: number;
}

export type Output =
  /** @see NewOrder.quoteAmount: then the amount that the venue determined. */
  | (OfOrder & { readonly kind: "accepted"; readonly amount?: number })
  | (AnyOutput & {
      readonly kind: "refused";
      readonly action: Action["kind"];
      readonly id: string;
      readonly code: RefusalCode;
      readonly message: string;
    })
  | Fill
  | (OfOrder & {
      readonly kind: "done";
      readonly state: "FILLED" | "CANCELED" | "EXPIRED";
      readonly reason: DoneReason;
    })
  /** An order became a MARKET or LIMIT order; with the amount of the position, if it closes that. */
  | (OfOrder & { readonly kind: "triggered"; readonly amount?: number })
  /** The first order of its list was filled: it goes to the market. */
  | (OfOrder & { readonly kind: "activated" })
  /** What is open of an order that may only reduce became less: there is no more to reduce. */
  | (OfOrder & { readonly kind: "reduced"; readonly amount: number })
  | (OfOrder & {
      readonly kind: "replaced";
      readonly price: number | undefined;
      readonly amount: number;
      /** Of an order that waits for it. */
      readonly stopPrice?: number;
      readonly keptPlace: boolean;
    })
  | (AnyOutput & { readonly kind: "liquidation"; readonly price: number })
  /** The account after a fill. */
  | (AnyOutput & { readonly kind: "account"; readonly account: AccountView });

/** Money is in units of the quote currency's `quoteDecimals`-th decimal, exact. */
export type AccountView =
  | {
      readonly kind: "spot";
      readonly quoteDecimals: number;
      /** In the amounts' units. */
      readonly base: bigint;
      readonly quote: bigint;
      /** Of these, what open orders hold. */
      readonly lockedBase: bigint;
      readonly lockedQuote: bigint;
    }
  | {
      readonly kind: "futures";
      readonly quoteDecimals: number;
      readonly wallet: bigint;
      /** In the amounts' units; below 0 is short. */
      readonly position: number;
      /** What the position cost, below 0 for a short one: divided by the position it is the entry price. */
      readonly cost: bigint;
      readonly leverage: number;
      /** The price, in its integers' units, at which a trade of the market liquidates the position; undefined: none. */
      readonly liquidationPrice: number | undefined;
    };
