import type { Severity, TapeNs, TradeSide } from "@tapedeck/protocol";

/**
 * One frame on its way to the tape, serialised once and in pieces, so that whoever merges frames later concatenates bytes
 * and never parses them. All text is ASCII (anything else is escaped), so that offsets in bytes and in characters agree.
 *
 * The recorded frame is
 *   {"type":"snapshot","seq":N,<head><trade fields>,"trades":[<trades>],"anomalies":[<anomalies>]<gap_before_ms>}
 */
export interface FrameParts {
  readonly ns: TapeNs;
  /** `"timestamp":...,...` without braces or outer commas: everything that belongs to the newest frame alone. */
  readonly head: string;
  /** The trades since the previous frame, JSON objects joined by commas; at most `limits.tradesPerMessage` of them. */
  readonly trades: string;
  readonly tradeCount: number;
  /** Sum of sizes; 0 without trades. */
  readonly tradeVolume: number;
  readonly lastTradePrice: number;
  readonly lastTradeSide: TradeSide;
  /** Of the last trade, price units; null where its side or the mid is unknown. */
  readonly effectiveSpread: number | null;
  /** JSON objects joined by commas, each with its own `timestamp`. */
  readonly anomalies: string;
  /** What a jump to the next event can find here. */
  readonly events: readonly { readonly type: string; readonly severity: Severity }[];
  /** Mid price, for the overview's line. */
  readonly price: number;
  /** A marked gap that ends with this frame. */
  readonly gapBefore: { readonly fromNs: TapeNs; readonly reason: string } | null;
}

/** What writing sums of sizes and prices without float noise needs to know of an instrument. */
export interface Precision {
  readonly priceDecimals: number;
  readonly sizeDecimals: number;
}
