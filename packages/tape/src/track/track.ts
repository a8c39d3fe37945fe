import type { TradeSide } from "@tapedeck/protocol";

/** The files of an event track. */
export const trackFiles = ["book", "trades", "snapshots"] as const;
export type TrackFile = (typeof trackFiles)[number];

/** All files that an event track can have: one of orders, if its source says what happens to each. */
export const storedTrackFiles = [...trackFiles, "orders"] as const;
export type StoredTrackFile = (typeof storedTrackFiles)[number];

/**
 * What became of an event. `applied`: it is in the book, or in a frame's trades. `again`: applied once more, since a snapshot that came late
 * replaced the book. `derived`: no source said so, the level contradicted a newer one or fell out of those that the venue reports. All others
 * changed nothing.
 */
export const eventStates = [
  "applied",
  "again",
  "derived",
  "late",
  "duplicate",
  "before-snapshot",
  "not-needed",
  "left-out",
  "excluded",
] as const;
export type EventState = (typeof eventStates)[number];

/** A message of the source. */
export interface TrackEvent {
  /** Its number in the order in which it was received, from 0. */
  readonly heard: number;
  /** Nanoseconds since 1970 by the venue's clock. */
  readonly timestampNs: bigint;
  /** By the recorder's clock. */
  readonly receivedNs: bigint;
  /** The venue's update ids. */
  readonly ids?: { readonly first?: number; readonly last: number; readonly previous?: number | undefined };
}

export interface TrackTrade {
  readonly id: number | string | undefined;
  readonly side: TradeSide;
  readonly price: number;
  readonly amount: number;
}

/** What a manifest says of an event track. */
export interface TrackSummary {
  readonly events: number;
  /** Rows of `book.parquet` that the source's messages have, whatever became of them. */
  readonly level_changes: number;
  readonly trades: number;
  readonly snapshots: number;
  /** Rows of `orders.parquet`; absent without that file. */
  readonly orders?: number | undefined;
  readonly price_decimals: number;
  readonly size_decimals: number;
  /** False if some price or size has more than 15 digits, and was rounded. */
  readonly exact: boolean;
  /** Levels a side that the source has, if it has not all: behind so many nothing is known. */
  readonly depth?: number | undefined;
  /** Where something may be missing although the frames have no gap. Absent without any. */
  readonly gaps?: readonly TrackGap[];
}

/** Between two events something may be missing. */
export interface TrackGap {
  /** The last event before it; -1 if it is at the beginning. */
  readonly after_n: number;
  readonly reason: string;
}

/** Decimals of an instrument's prices and sizes. */
export interface TrackDecimals {
  readonly price: number;
  readonly size: number;
}

/** Prices or sizes need other decimals than the row groups that were written have: these have to be written again. */
export class DecimalsChanged extends Error {
  override readonly name = "DecimalsChanged";
  /** Source and symbol. */
  readonly instrument: string;
  readonly decimals: TrackDecimals;

  constructor(instrument: string, decimals: TrackDecimals) {
    super(`prices of ${instrument} need ${decimals.price} decimals and sizes ${decimals.size}`);
    this.instrument = instrument;
    this.decimals = decimals;
  }
}
