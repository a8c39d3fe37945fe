import type { BookEntry, KnownPrices } from "@tapedeck/live";
import type { BookLevel, OrderBook } from "@tapedeck/market";
import type { TimeDecimals, TradeSide } from "@tapedeck/protocol";
import type { EventState } from "@tapedeck/tape";

/** A trade as the venue reports it. */
export interface VenueTrade {
  /** Nanoseconds since 1970 by the venue's clock, or by ours if the venue sends no time. */
  readonly ns: bigint;
  readonly id?: number | string;
  /** Trade ids of this instrument run 1, 2, 3, ..., so a missing id means a lost trade. */
  readonly consecutive?: boolean;
  /** The trade's own time as the venue wrote it, ISO 8601. */
  readonly timestamp: string;
  readonly price: number;
  readonly size: number;
  readonly side: TradeSide;
  /** Why the trade is left out: a liquidation away from the book, or one from before the connection. */
  readonly excluded?: string;
}

/** What a message about the book says beside its levels, for the event track. */
export interface BookMessage {
  /** The venue's update ids. */
  readonly ids?: BookEntry["ids"];
  /** Of a whole book that is cut. */
  readonly known?: KnownPrices | undefined;
}

/** A message as the venue sent it. */
export interface UnusedMessage extends BookMessage {
  readonly bids: readonly BookLevel[];
  readonly asks: readonly BookLevel[];
  /** Whether it is a whole book. */
  readonly snapshot: boolean;
}

/** A message of the book in the order of receipt. */
export interface HeardMessage {
  /** Nanoseconds since 1970 by the venue's clock, or by ours if the venue sends no time. */
  readonly timestampNs: bigint;
  /** By the cluster's clock. */
  readonly receivedNs: bigint;
  /** Its number, if the event track has not begun anew since (`start` counts that); undefined: the next one when it is used. */
  readonly place?: { readonly heard: number; readonly start: number } | undefined;
}

/** For venues whose messages wait before the book takes them: says of each what became of it. */
export interface TrackSink {
  /** A message has arrived. */
  hear(ns: bigint | undefined): HeardMessage;
  /** Within a change of the book: what follows comes from this message. */
  apply(heard: HeardMessage, message: BookMessage): void;
  /** The message changes nothing. */
  unused(heard: HeardMessage, state: EventState, message: UnusedMessage): void;
}

/** Receives a venue's events in the order in which they arrive. */
export interface MarketSink {
  /**
   * Changes the book. Afterwards the book is complete: everything that the venue has sent, in its order, nothing missing.
   *
   * @param ns nanoseconds since 1970 by the venue's clock; undefined if the venue sends no time
   */
  book(ns: bigint | undefined, change: (book: OrderBook) => void, message?: BookMessage): void;
  /** Absent where no event track is recorded. */
  readonly track?: TrackSink | undefined;
  trade(trade: VenueTrade): void;
  /** The book no longer matches the market, until `book` is called again: an update is missing or contradicts the book. */
  bookLost(reason: string): void;
  /** A message that cannot be parsed. `text` is the message as received. */
  unreadable(error: unknown, text: string): void;
}

export interface StreamOptions {
  readonly symbol: string;
  readonly market: MarketSink;
  /** Nanoseconds since 1970 on the cluster's clock. */
  readonly now: () => bigint;
  /** The connection is given up after this long without an event. */
  readonly silenceMs: number;
  readonly signal: AbortSignal;
}

/** An exchange, or the simulated one. */
export interface Venue {
  /** Decimals of a second in its times. */
  readonly decimals: TimeDecimals;
  /**
   * All connections give an event the same time, and events with the same time, cut to `decimals`, arrive together. So a feed that takes
   * over a tape can tell by the time of the last frame what it shows, and continues without a gap.
   */
  readonly distinctTimes?: boolean;
  /**
   * Connects and passes events to `market` until the signal aborts. One connection serves one feed, so that a fault on it
   * disturbs no other feed.
   *
   * @throws VenueError when the connection has failed
   */
  stream(options: StreamOptions): Promise<void>;
  /** The symbols that it trades, in capitals. Absent if it trades any symbol, or has no list. Rejects if the list cannot be fetched. */
  listSymbols?(signal: AbortSignal): Promise<string[]>;
}

/** Also the values of the label `why` of `tapedeck_feed_reconnects_total`. */
export type VenueErrorKind =
  /** No connection, or it failed on the way. */
  | "unreachable"
  /** The venue refuses: unknown symbol, banned address, too many connections. Retrying soon makes it worse. */
  | "refused"
  /** An open connection closed. */
  | "lost"
  /** The connection is open and brings no events. */
  | "silent"
  /** Messages contradict each other, or updates are missing. */
  | "out of step";

/** Why a connection to a venue ended. The message is a sentence for users. */
export class VenueError extends Error {
  override readonly name = "VenueError";
  readonly kind: VenueErrorKind;

  constructor(kind: VenueErrorKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}
