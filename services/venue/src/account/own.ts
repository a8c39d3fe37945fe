import type { OrderRequest } from "../orders/order-request.js";

/** A market's symbol and what it trades. */
export interface Symbols {
  readonly symbol: string;
  readonly baseAsset: string;
  readonly quoteAsset: string;
}

/** The list that an order is in. */
export interface OwnList {
  readonly listId: number;
  readonly clientListId: string;
  readonly contingency: "OCO" | "OTO" | "OTOCO";
  /** Whether the order waits for the list's first one. */
  readonly waits: boolean;
}

export type OwnOrderStatus = "PENDING" | "NEW" | "PARTIALLY_FILLED" | "FILLED" | "CANCELED" | "EXPIRED" | "REJECTED";

/** An order of the session, as the venue's messages need it. Decimals are text, times are milliseconds of the bot's wall time. */
export interface OwnOrder extends Pick<OrderRequest, "side" | "type" | "closePosition" | "reduceOnly"> {
  /** 0 until the venue has determined it. */
  readonly amount: string;
  /** What it was to cost or bring, if its owner said that. */
  readonly quoteAmount: string | undefined;
  readonly orderId: number;
  readonly clientOrderId: string;
  readonly price: string | undefined;
  readonly stopPrice: string | undefined;
  /** Whether it has waited for its stop price, and no longer does. */
  readonly triggered: boolean;
  readonly timeInForce: string | undefined;
  /** When it ends if it is open then; undefined: it stays. */
  readonly goodTillMs: number | undefined;
  /** Undefined: it is in no list. */
  readonly list: OwnList | undefined;
  readonly status: OwnOrderStatus;
  /** Why it ended or was refused, in the engine's words. */
  readonly reason: string | undefined;
  readonly filled: string;
  /** What its fills cost together, without fees. */
  readonly quote: string;
  readonly createdMs: number;
  readonly updatedMs: number;
}

/** A fill of an own order. */
export interface OwnTrade {
  readonly tradeId: number;
  readonly orderId: number;
  /** Undefined: its order is in none. */
  readonly listId: number | undefined;
  readonly clientOrderId: string;
  readonly side: "buy" | "sell";
  readonly price: string;
  readonly amount: string;
  /** In the quote currency. */
  readonly fee: string;
  readonly maker: boolean;
  readonly realizedPnl: string;
  readonly timeMs: number;
}

export interface SpotBalances {
  readonly kind: "spot";
  readonly base: string;
  readonly quote: string;
  readonly lockedBase: string;
  readonly lockedQuote: string;
}

export interface FuturesBalances {
  readonly kind: "futures";
  readonly wallet: string;
  /** Below 0 is short. */
  readonly position: string;
  readonly entryPrice: string;
  readonly unrealizedPnl: string;
  readonly markPrice: string;
  readonly leverage: number;
  readonly liquidationPrice: string | undefined;
  /** What the position binds. */
  readonly positionMargin: string;
  /** What open orders bind. */
  readonly orderMargin: string;
  readonly maintenanceMargin: string;
}

/** Open, as the venue counts it. */
export function isOpen({ status }: Pick<OwnOrder, "status">): boolean {
  return status === "NEW" || status === "PARTIALLY_FILLED" || status === "PENDING";
}

/** An order that has not arrived yet is new to its owner. */
export function shownStatus({ status }: Pick<OwnOrder, "status">): Exclude<OwnOrderStatus, "PENDING"> {
  return status === "PENDING" ? "NEW" : status;
}
