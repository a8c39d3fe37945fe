import type { BookLevel, BookSideName, DepthLink, MarketTrade } from "@tapedeck/market";
import type { TimeDecimals, TradeSide } from "@tapedeck/protocol";
import type { TrackOrder } from "../../track/orders/order-rows.js";

/** A market as a recording identifies it. */
export interface Instrument {
  readonly symbol: string;
  /** The venue as users know it: `BINANCE`, `BINANCE-FUTURES`, `COINBASE`, ... */
  readonly source: string;
  /** Decimals of a second that the venue's times carry. */
  readonly decimals: TimeDecimals;
}

interface SourceEventBase {
  readonly instrument: Instrument;
  /** Nanoseconds since 1970 by the venue's clock, else the recorder's; undefined: the time of the event before. */
  readonly ns: bigint | undefined;
  /** Receive time by the recorder's clock, nanoseconds since 1970; several files are merged by it. */
  readonly receivedNs: bigint;
  /** The venue's number of the message, if it has one that tells nothing about what is missing. */
  readonly sequence?: number | undefined;
  /** The line equals the one before it. */
  readonly repeated?: boolean;
  /** Its number in the order of receipt, where the source has it. */
  readonly heard?: number;
}

/** A message about a book whose venue has a rule of its own that tells whether updates are missing. */
interface Sequenced {
  /**
   * The result of that rule, which the format checks; ids are then only recorded, and such messages keep the order in which they were
   * received. Undefined: the update ids tell, or nothing does.
   */
  readonly link?: DepthLink | undefined;
  /** The venue reports so many levels a side: behind them nothing is known. */
  readonly depth?: number | undefined;
}

/** Absolute sizes at some prices; size 0 removes the level. */
export interface SourceDiff extends SourceEventBase, Sequenced {
  readonly kind: "diff";
  readonly bids: readonly BookLevel[];
  readonly asks: readonly BookLevel[];
  /** What happened to the orders that make the levels, if the source says so. */
  readonly orders?: readonly TrackOrder[];
  /** Update ids, if the venue has them. */
  readonly ids?: { readonly first: number; readonly last: number; readonly previous?: number | undefined };
}

/** A whole book. */
export interface SourceSnapshot extends SourceEventBase, Sequenced {
  readonly kind: "snapshot";
  readonly bids: readonly BookLevel[];
  readonly asks: readonly BookLevel[];
  readonly orders?: readonly TrackOrder[];
  /** Id of the last update in it, if diffs are joined to it by id. */
  readonly lastId?: number;
  /** Its time is that of a message before: diffs with an earlier time come after it all the same. */
  readonly timeless?: boolean;
  /** Trades of the same moment that led to this book. */
  readonly trades?: readonly MarketTrade[];
}

/** Changes of levels that are identified by ids. */
export interface SourceKeyed extends SourceEventBase {
  readonly kind: "keyed";
  readonly action: "partial" | "insert" | "update" | "delete";
  readonly rows: readonly { id: number; side: BookSideName; size: number; price: number }[];
}

export interface SourceTrade extends SourceEventBase {
  readonly kind: "trade";
  readonly id?: number | string;
  /** Trade ids of this instrument are consecutive, so a missing id is a missing trade. */
  readonly consecutive?: boolean;
  /** The trade's own time, ISO 8601. */
  readonly timestamp: string;
  readonly price: number;
  readonly size: number;
  readonly side: TradeSide;
  /** Why the trade is counted and left out, for example because it is older than the recording. */
  readonly excluded?: string;
}

/** The venue's best prices. Frames don't need them; tests compare with them. */
interface SourceTicker extends SourceEventBase {
  readonly kind: "ticker";
  readonly bid: number;
  readonly ask: number;
}

/** Nothing happened to the instrument, but the recording goes on: it is not silent. */
interface SourcePulse extends SourceEventBase {
  readonly kind: "pulse";
}

export type SourceEvent = SourceDiff | SourceSnapshot | SourceKeyed | SourceTrade | SourceTicker | SourcePulse;

export function instrumentKey({ source, symbol }: Instrument): string {
  return `${source} ${symbol}`;
}
