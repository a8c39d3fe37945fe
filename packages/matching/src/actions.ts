import type { RefusalCode } from "./refusals.js";

export type OrderSide = "buy" | "sell";
export type OrderType = "MARKET" | "LIMIT" | "STOP" | "STOP_LIMIT";
/** GTX is post-only. */
export type TimeInForce = "GTC" | "IOC" | "FOK" | "GTX";

/** An order as its owner sends it. Prices and amounts are integers that count the instrument's last decimal. */
export interface NewOrder {
  /** The owner's, different from those of the owner's open orders. */
  readonly id: string;
  readonly side: OrderSide;
  readonly type: OrderType;
  readonly amount: number;
  /** Of LIMIT and STOP_LIMIT. */
  readonly price?: number | undefined;
  /** Of STOP and STOP_LIMIT: the price of a trade that makes a MARKET or a LIMIT order of it. */
  readonly stopPrice?: number | undefined;
  /** Of LIMIT and STOP_LIMIT; GTC unless given. */
  readonly timeInForce?: TimeInForce | undefined;
}

interface AnyAction {
  /** When the owner sends it, by the tape's clock, in nanoseconds since 1970. Never before the action sent last. */
  readonly sentNs: bigint;
}

export type Action =
  | (AnyAction & { readonly kind: "place"; readonly order: NewOrder })
  | (AnyAction & { readonly kind: "cancel"; readonly id: string })
  | (AnyAction & { readonly kind: "cancel-all" })
  /** Another price and another open amount for a resting order. It keeps its place in the queue only if the price stays and the amount does not rise. */
  | (AnyAction & { readonly kind: "replace"; readonly id: string; readonly price: number; readonly amount: number });

/** Why an order is no longer open, besides having been filled. */
export type DoneReason =
  | "filled"
  | "canceled"
  | "replaced"
  | "would-take"
  | "not-filled-at-once"
  | "no-liquidity"
  | "insufficient-funds"
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
  | (OfOrder & { readonly kind: "accepted" })
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
  /** A stop order became a MARKET or LIMIT order. */
  | (OfOrder & { readonly kind: "triggered" })
  | (OfOrder & {
      readonly kind: "replaced";
      readonly price: number;
      readonly amount: number;
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
