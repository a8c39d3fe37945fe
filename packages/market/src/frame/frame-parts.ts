import type { Severity, TapeNs, TradeSide } from "@tapedeck/protocol";

/**
 * One frame serialised once and in pieces, so that frames can later be merged by concatenating bytes without parsing. All text is
 * ASCII (anything else is escaped), so that byte and character offsets agree.
 *
 * The recorded frame is
 *   {"type":"snapshot","seq":N,<head><trade fields>,"trades":[<trades>],"anomalies":[<anomalies>]<gap_before_ms>}
 */
export interface FrameParts {
  readonly ns: TapeNs;
  /** `"timestamp":...,...` without braces or outer commas: the fields that a merged frame takes from its newest frame. */
  readonly head: string;
  /** The trades since the previous frame, JSON objects joined by commas; at most `limits.tradesPerMessage` of them. */
  readonly trades: string;
  readonly tradeCount: number;
  /** Sum of sizes; 0 without trades. */
  readonly tradeVolume: number;
  readonly lastTradePrice: number;
  readonly lastTradeSide: TradeSide;
  /** Of the last trade, in price units; null if its side or the mid is unknown. */
  readonly effectiveSpread: number | null;
  /** JSON objects joined by commas, each with its own `timestamp`. */
  readonly anomalies: string;
  /** Events that a jump to the next event can find in this frame. */
  readonly events: readonly { readonly type: string; readonly severity: Severity }[];
  /** Mid price, for the overview's line. */
  readonly price: number;
  /** A marked gap that ends with this frame. */
  readonly gapBefore: { readonly fromNs: TapeNs; readonly reason: string } | null;
}

/** An instrument's decimals, for writing sums of sizes and prices without float noise. */
export interface Precision {
  readonly priceDecimals: number;
  readonly sizeDecimals: number;
}
