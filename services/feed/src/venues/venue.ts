import type { OrderBook } from "@tapedeck/market";
import type { TimeDecimals, TradeSide } from "@tapedeck/protocol";

/** A trade as a venue told it. */
export interface VenueTrade {
  /** Nanoseconds since 1970 by the venue's clock, or by ours where it tells none. */
  readonly ns: bigint;
  readonly id?: number | string;
  /** Ids of this instrument's trades run 1, 2, 3, ..., so a hole in them is a loss. */
  readonly consecutive?: boolean;
  /** The trade's own time as the venue wrote it, ISO 8601. */
  readonly timestamp: string;
  readonly price: number;
  readonly size: number;
  readonly side: TradeSide;
  /** Why it is no trade of this market now, and is left out: a liquidation off the book, one from before the connection. */
  readonly excluded?: string;
}

/** Where a venue's events go, in the order in which they were heard. */
export interface MarketSink {
  /**
   * Changes the book. After this the book is whole: all that the venue has sent, in its own order, nothing missing.
   *
   * @param ns nanoseconds since 1970 by the venue's clock; undefined where it tells none
   */
  book(ns: bigint | undefined, change: (book: OrderBook) => void): void;
  trade(trade: VenueTrade): void;
  /** The book is no longer the market's, until `book` is called again: something is missing or contradicts itself. */
  bookLost(reason: string): void;
  /** A message that cannot be read. `text` is as it came. */
  unreadable(error: unknown, text: string): void;
}

/** One connection's life. */
export interface StreamOptions {
  readonly symbol: string;
  readonly market: MarketSink;
  /** Nanoseconds since 1970 now, on the cluster's clock. */
  readonly now: () => bigint;
  /** A connection that has told the market nothing for so long is given up. */
  readonly silenceMs: number;
  readonly signal: AbortSignal;
}

/** An exchange, or what stands in for one. */
export interface Venue {
  /** Decimals of a second that its times carry. */
  readonly decimals: TimeDecimals;
  /**
   * Connects, and tells the market what it hears until the signal aborts. One connection serves one feed, so that what goes
   * wrong with it disturbs no other.
   *
   * @throws VenueTrouble when the connection is of no more use
   */
  stream(connection: StreamOptions): Promise<void>;
  /** The symbols that it trades, in capitals; absent where any is, or there is nobody to ask. Rejects where it cannot be asked. */
  listSymbols?(signal: AbortSignal): Promise<string[]>;
}

export type VenueErrorKind =
  /** Not reached, or lost on the way. */
  | "unreachable"
  /** The venue will not: unknown symbol, banned address, too many connections. Asking again soon makes it worse. */
  | "refused"
  /** It was there and is gone. */
  | "lost"
  /** It is there and says nothing. */
  | "silent"
  /** What it said cannot all be true. */
  | "out of step";

/** Why a connection to a venue ended. The message is a sentence for users. */
export class VenueError extends Error {
  override readonly name = "VenueTrouble";
  readonly kind: VenueErrorKind;

  constructor(kind: VenueErrorKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}
