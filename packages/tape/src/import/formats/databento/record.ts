import type { BookLevel } from "@tapedeck/market";
import type { OrderId } from "../resting-orders.js";

/** The market data that a file holds, richest first: each but those of `sampled` has the trades of those after it. */
export const schemas = ["mbo", "mbp-10", "mbp-1", "cmbp-1", "tbbo", "tcbbo", "bbo-1s", "cbbo-1s", "trades"] as const;
export type Schema = (typeof schemas)[number];

export const schemasAccepted = "mbo, mbp-10, mbp-1, cmbp-1, tbbo, tcbbo, bbo-1s, cbbo-1s and trades are accepted";

/** The best prices at the end of each second. Their records have no action, and no trades. */
export const sampled: readonly Schema[] = ["bbo-1s", "cbbo-1s"];

/** A row of a CSV or a record of a DBN file. */
export interface DatabentoRecord {
  /** A dataset's venue, by Databento's numbers. */
  readonly publisherId: number;
  readonly instrumentId: number;
  /** Undefined: the file does not name the instrument. */
  readonly symbol: string | undefined;
  /** The venue's time, nanoseconds since 1970; undefined if the venue sends none. */
  readonly eventNs: bigint | undefined;
  /** Databento's receive time, nanoseconds since 1970. */
  readonly receivedNs: bigint | undefined;
  /** One of `actions`. */
  readonly action: string;
  /** A (ask), B (bid) or N (none). Of a trade: the taker's. */
  readonly side: string;
  /** Undefined: none, or the venue has none for this action. */
  readonly price: number | undefined;
  readonly size: number;
  /** Bits of `flag`. */
  readonly flags: number;
  /** The venue's number of the message; undefined if the file has none. */
  readonly sequence: number | undefined;
  /** What the record says about the book beside its action: the levels after it, or which order it is about. */
  readonly book:
    | {
        readonly bids: readonly BookLevel[];
        readonly asks: readonly BookLevel[];
        /** Levels a side that the schema has. */
        readonly depth: number;
      }
    | { readonly orderId: OrderId }
    | undefined;
}

export interface RecordTimes {
  /** Of the frame, nanoseconds since 1970. */
  readonly ns: bigint;
  readonly receivedNs: bigint;
}

/** Bits of a record's flags. */
export const flag = {
  /** The last record of an event of its instrument. */
  last: 0x80,
  /** The whole side is one level, not an order. */
  topOfBook: 0x40,
  /** From a snapshot of the orders that rest. */
  snapshot: 0x20,
  /** The receive time is inaccurate. */
  badReceiveTime: 0x08,
  /** The venue's messages before it have a gap. */
  maybeBadBook: 0x04,
} as const;

/** Add, cancel, modify, clear, trade, fill, none. */
export const actions = "ACMRTFN";

/** The price and the time that stand for none. */
export const noPrice = 9_223_372_036_854_775_807n;
export const noTime = 18_446_744_073_709_551_615n;
/** The size that stands for none. */
export const noSize = 4_294_967_295;

/** Prices below this have at most 15 digits, and are exact. */
export const exactBillionths = 1e15;

/** A price in billionths, with at most 15 digits. Undefined for none. */
export function priceOfBillionths(billionths: bigint): number | undefined {
  if (billionths === noPrice) return undefined;
  const number = Number(billionths);
  return Math.abs(number) < exactBillionths ? number / 1e9 : Number((number / 1e9).toPrecision(15));
}
