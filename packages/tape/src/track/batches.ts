import type { BookSideName } from "@tapedeck/market";
import type { TradeSide } from "@tapedeck/protocol";
import { eventStates } from "./track.js";

/** What the numbers in a batch's `side` and `state` stand for, by place. */
export const bookSides = ["bid", "ask"] as const satisfies readonly BookSideName[];
/** A record without a side is of an order that is not known, or of all of them. */
export const orderSides = [...bookSides, null] as const;
export const tradeSides = ["buy", "sell", "unknown"] as const satisfies readonly TradeSide[];
/** Events with a state before this place in `eventStates` changed the book, or are in a frame's trades. */
export const effectiveStates = eventStates.indexOf("derived") + 1;

/** Columns that all rows have, an entry per row. */
export interface TrackRows {
  /** The event that the row belongs to. Ascending: rows of one event follow each other. */
  readonly n: Float64Array;
  readonly seq: Float64Array;
  /** Nanoseconds since 1970 by the venue's clock. */
  readonly timestamp: BigInt64Array;
  /** Place in `bookSides`, or `tradeSides`. */
  readonly side: Uint8Array;
  /** Integers that count the last decimal: exact, since they have no more than 15 digits. */
  readonly price: Float64Array;
  readonly amount: Float64Array;
}

/** When and as which message an event was received. */
interface Origin {
  /** Nanoseconds since 1970 by the recorder's clock. */
  readonly localTimestamp: BigInt64Array;
  readonly heard: Float64Array;
}

export interface BookRows extends TrackRows {
  /** Place in `eventStates`. */
  readonly state: Uint8Array;
  /** 1: the row is part of a whole book, which replaces the one before. */
  readonly isSnapshot: Uint8Array;
}

/** Ids are NaN where the venue gave none. */
export interface BookOrigin extends Origin {
  readonly firstId: Float64Array;
  readonly lastId: Float64Array;
  readonly previousId: Float64Array;
}

export interface TradeRows extends TrackRows {
  /** Place in `eventStates`. */
  readonly state: Uint8Array;
}

export interface TradeOrigin extends Origin {
  /** Empty where the venue gave none. */
  readonly id: readonly string[];
}

/** Rows of `orders.parquet`: records of orders, with times of their own. */
export interface OrderRecords extends Omit<TrackRows, "side">, Origin {
  /** Numbers of 64 bits; 0: none. */
  readonly orderId: BigUint64Array;
  /** What happened: see `OrderAction`. */
  readonly action: readonly string[];
  /** Place in `orderSides`. */
  readonly side: Uint8Array;
  /** What rests of the order. NaN where it is not known; so is a price. */
  readonly rest: Float64Array;
  /** Place in `eventStates`. */
  readonly state: Uint8Array;
  /** The venue's number of the message; NaN where it gave none. */
  readonly sequence: Float64Array;
}

/** Rows of `snapshots.parquet`. */
export interface SnapshotRows extends TrackRows {
  /** NaN: every level is known if `limitsKnown`, else nothing is known of where the book is complete. */
  readonly knownLow: Float64Array;
  readonly knownHigh: Float64Array;
  /** 0 or 1. */
  readonly limitsKnown: Uint8Array;
}

/** The rows of one row group that lie in the range that was asked for, at least one. The columns belong to the cache: do not change them. */
export interface BookBatch extends BookRows {
  readonly rows: number;
  /** Further columns of the same rows, which cost about as much again. */
  origin(): Promise<BookOrigin>;
}

export interface OrderBatch extends OrderRecords {
  readonly rows: number;
  /** 1: by an order of the user whose simulated market it is; absent on other tapes. */
  readonly own?: Uint8Array | undefined;
}

export interface TradeBatch extends TradeRows {
  readonly rows: number;
  /** 1: by an order of the user whose simulated market it is; absent on other tapes. */
  readonly own?: Uint8Array | undefined;
  origin(): Promise<TradeOrigin>;
}
