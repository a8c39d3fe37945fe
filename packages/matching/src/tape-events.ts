import type { BookSideName } from "@tapedeck/market";
import type { TradeSide } from "@tapedeck/protocol";

/**
 * What the engine needs of a tape's events. Prices and amounts are integers that count the instrument's last decimal. The events of
 * `packages/tape` have these fields; only those that changed the book, or are trades of the market, may be given.
 */
export type TapeEvent = TapeUpdate | TapeTrade | TapeOrders;

interface AnyTapeEvent {
  /** Its number on the tape. Never less than that of the event before. */
  readonly n: number;
  /** Nanoseconds since 1970 by the venue's clock. It may go back from event to event; the engine's time does not. */
  readonly timestampNs: bigint;
}

/** Levels that a message set; the whole book if it is a snapshot. */
export interface TapeUpdate extends AnyTapeEvent {
  readonly kind: "book";
  readonly isSnapshot: boolean;
  readonly levels: readonly TapeLevel[];
}

/** An amount of 0 removes the level. */
export interface TapeLevel {
  readonly side: BookSideName;
  readonly priceUnits: number;
  readonly amountUnits: number;
}

export interface TapeTrade extends AnyTapeEvent {
  readonly kind: "trade";
  /** The taker's. */
  readonly side: TradeSide;
  readonly priceUnits: number;
  readonly amountUnits: number;
  /** The taker was an order that filled here: a market that reacts to orders sees it a moment later. */
  readonly own?: boolean | undefined;
}

/** What happened to single orders. It comes before the update of the same number, whose levels the orders make. */
export interface TapeOrders extends AnyTapeEvent {
  readonly kind: "orders";
  readonly orders: readonly TapeOrder[];
}

export interface TapeOrder {
  /** `execute`: it rested and was filled. `hidden`: so was one that no book shows. `clear`: all orders are gone. */
  readonly action: "add" | "modify" | "cancel" | "execute" | "hidden" | "trade" | "clear";
  /** The venue's number of the order, as text. */
  readonly id: string;
  /** The resting order's. */
  readonly side: BookSideName | undefined;
  readonly priceUnits: number | undefined;
  /** The new size if it was added or modified; otherwise what was cancelled or traded. */
  readonly amountUnits: number;
  /** What of it rests after a cancellation or an execution; undefined: the amount less. Some sources say so later, in a message of its own. */
  readonly restUnits?: number | undefined;
  /** See `TapeTrade`. */
  readonly own?: boolean | undefined;
}

/** The side of the book on which an order of this side rests. */
export function ownSide(side: "buy" | "sell"): BookSideName {
  return side === "buy" ? "bid" : "ask";
}

/** The side of the book with which an order of this side trades. */
export function otherSide(side: "buy" | "sell"): BookSideName {
  return side === "buy" ? "ask" : "bid";
}
