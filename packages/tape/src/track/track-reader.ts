import type { BookLevel, BookSideName } from "@tapedeck/market";
import type { TradeSide } from "@tapedeck/protocol";
import type { BookBatch, OrderBatch, TradeBatch } from "./batches.js";
import type { EventState, TrackDecimals, TrackEvent } from "./track.js";

/**
 * A place on an event track: an event by its number, the first event that a frame shows, or the first event at or after a time by the venue's clock, in
 * nanoseconds since 1970. Times may go back from event to event, so events after the place can be earlier than the time.
 */
export type TrackPlace = { readonly n: number } | { readonly seq: number } | { readonly ts: bigint };

/** Events from one place on, up to and without the event at another one. Without `from` and `to`: all. */
export interface TrackRange {
  readonly from?: TrackPlace | undefined;
  readonly to?: TrackPlace | undefined;
}

/** The whole book, as far as it is known. */
export interface FullBook {
  /** The last event in it; -1 for none. */
  readonly n: number;
  /** Best first. */
  readonly bids: readonly BookLevel[];
  readonly asks: readonly BookLevel[];
  /** Between these prices it has every level; undefined: down, or up, to its last level if `limitsKnown`. */
  readonly knownLow: number | undefined;
  readonly knownHigh: number | undefined;
  /** False: nothing tells where the book is complete. */
  readonly limitsKnown: boolean;
}

interface AnyEvent {
  readonly n: number;
  /** The first frame that shows it. */
  readonly seq: number;
  /** Its number in the order in which it was received. */
  readonly heard: number;
  readonly state: EventState;
  /** Nanoseconds since 1970 by the venue's clock, and by the recorder's. */
  readonly timestampNs: bigint;
  readonly receivedNs: bigint;
}

/** A price and an amount: as integers that count the last decimal, and as text with all decimals. */
export interface PricedAmount {
  readonly priceUnits: number;
  readonly amountUnits: number;
  readonly price: string;
  readonly amount: string;
}

/** An amount of 0 removed the level. */
export interface TrackedLevel extends PricedAmount {
  readonly side: BookSideName;
}

/** Levels that a message changed; all levels if it is a snapshot. */
export interface TrackedUpdate extends AnyEvent {
  readonly kind: "book";
  readonly isSnapshot: boolean;
  readonly ids: TrackEvent["ids"];
  /** In the message's order, bids first. */
  readonly levels: readonly TrackedLevel[];
}

export interface TrackedTrade extends AnyEvent, PricedAmount {
  readonly kind: "trade";
  /** The venue's; undefined if it gave none. */
  readonly id: string | undefined;
  /** The taker's. */
  readonly side: TradeSide;
  /** The taker was the user whose simulated market it is. */
  readonly own?: boolean | undefined;
}

export type TrackedEvent = TrackedUpdate | TrackedTrade;

/** Reads what a source says of each order; rejects as the methods of `TrackReader` do. */
export interface OrderReader {
  /** The records of a range, as columns. */
  batches(range?: TrackRange): AsyncGenerator<OrderBatch, void, undefined>;
}

/**
 * Reads a tape's event track. All methods reject with `DamagedTape` if the track is not what was written, and with `StoreUnavailable`.
 * `docs/spec/event-track.md` has the rules.
 */
export interface TrackReader {
  /** Of the integers in batches and events: a price of 28,000.1 with one decimal is 280,001. Of a track that grows, those known so far. */
  readonly decimals: TrackDecimals;
  /** The events of a range, in their order. */
  events(range?: TrackRange): AsyncGenerator<TrackedEvent, void, undefined>;
  /** The same, some at a time, which costs less: none of the lists is empty. */
  eventLists(range?: TrackRange): AsyncGenerator<readonly TrackedEvent[], void, undefined>;
  /** The rows of the book's events of a range, as columns; `BookReplay` makes a book of them. */
  bookBatches(range?: TrackRange): AsyncGenerator<BookBatch, void, undefined>;
  /** The trades of a range, as columns. */
  tradeBatches(range?: TrackRange): AsyncGenerator<TradeBatch, void, undefined>;
  /** What happened to each order; absent if the source does not say. */
  readonly orders?: OrderReader | undefined;
  /** The book after an event, as a frame shows it, or with all that came before the first event after a time. */
  bookAt(place: TrackPlace): Promise<FullBook>;
  /**
   * The track as it is now: its decimals stay, and it ends where the track ends now. It has all events before `to`, or without it what the tape's
   * newest frame shows. Absent on a track that does not grow. Rejects with `TrackNotFound` if nothing was recorded.
   */
  pinned?(to?: TrackPlace): Promise<TrackReader>;
}
