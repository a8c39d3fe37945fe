import type { BookLevel, BookSideName, MarketTrade } from "@tapedeck/market";
import type { TimeDecimals, TradeSide } from "@tapedeck/protocol";

/** What a recording calls one market. */
export interface Instrument {
  readonly symbol: string;
  /** The venue as users know it: `BINANCE`, `BINANCE-FUTURES`, `COINBASE`, ... */
  readonly source: string;
  /** Decimals of a second that the venue's times carry. */
  readonly decimals: TimeDecimals;
}

interface SourceEventBase {
  readonly instrument: Instrument;
  /** Nanoseconds since 1970 by the venue's clock, by the recorder's where a message has none; undefined: as late as what came last. */
  readonly ns: bigint | undefined;
  /** When the recorder heard it: the order in which several files are read. */
  readonly receivedNs: bigint;
  /** The line says the same as the one before it. */
  readonly repeated?: boolean;
}

/** Absolute sizes at some prices; size 0 removes the level. */
interface SourceDiff extends SourceEventBase {
  readonly kind: "diff";
  readonly bids: readonly BookLevel[];
  readonly asks: readonly BookLevel[];
  /** Where the venue numbers its updates. */
  readonly ids?: { readonly first: number; readonly last: number; readonly previous?: number | undefined };
}

/** A whole book. */
export interface SourceSnapshot extends SourceEventBase {
  readonly kind: "snapshot";
  readonly bids: readonly BookLevel[];
  readonly asks: readonly BookLevel[];
  /** The update it stands at, where diffs have to be joined to it by number. */
  readonly lastId?: number;
  /** Trades of the very moment, which led to this book. */
  readonly trades?: readonly MarketTrade[];
}

/** Changes of levels that are named by ids. */
export interface SourceKeyed extends SourceEventBase {
  readonly kind: "keyed";
  readonly action: "partial" | "insert" | "update" | "delete";
  readonly rows: readonly { id: number; side: BookSideName; size: number; price: number }[];
}

export interface SourceTrade extends SourceEventBase {
  readonly kind: "trade";
  readonly id?: number | string;
  /** Ids of this instrument's trades run 1, 2, 3, ..., so a hole in them is a loss. */
  readonly consecutive?: boolean;
  /** The trade's own time, ISO 8601. */
  readonly timestamp: string;
  readonly price: number;
  readonly size: number;
  readonly side: TradeSide;
  /** Why it is no trade of this market in this stretch; it is counted and left out. */
  readonly excluded?: string;
}

/** The venue's own word on its best prices. Frames don't need it, tests compare with it. */
interface SourceTicker extends SourceEventBase {
  readonly kind: "ticker";
  readonly bid: number;
  readonly ask: number;
}

export type SourceEvent = SourceDiff | SourceSnapshot | SourceKeyed | SourceTrade | SourceTicker;

export function instrumentKey({ source, symbol }: Instrument): string {
  return `${source} ${symbol}`;
}
