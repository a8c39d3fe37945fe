import type { SeekPlace } from "@tapedeck/client";
import type { Anomaly, Frame, LiquidityGap, Severity, Trade } from "@tapedeck/protocol";
import type { LoggedFrame } from "./frame-log";

/** A numeric field of a frame; undefined if absent. Analytics may add fields that are not in the schema. */
export function numberOf(frame: Frame, field: string): number | undefined {
  const value = frame[field];
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

const noGaps: readonly LiquidityGap[] = [];

/** Liquidity gaps; none if the tape has no analytics. */
export function gapsOf({ liquidity_gaps }: Frame): readonly LiquidityGap[] {
  return liquidity_gaps ?? noGaps;
}

/**
 * The effective spread of the nth trade of a frame, in price units, against the mid price at the trade. Older tapes have it only for
 * the last trade, as a field of the frame. Undefined if it is unknown, for example because the side is unknown.
 */
export function effectiveSpreadOf({ trades, effective_spread }: Frame, nth: number): number | undefined {
  const trade = trades[nth];
  if (trade === undefined || trade.side === "unknown") return undefined;
  const { price, side, mid_price: mid } = trade;
  if (typeof mid === "number") return rounded(2 * (side === "buy" ? price - mid : mid - price));
  return nth === trades.length - 1 ? (effective_spread ?? undefined) : undefined;
}

/** Removes floating-point noise. */
function rounded(value: number): number {
  return Number(value.toFixed(10)) + 0;
}

export interface LoggedTrade extends Pick<Trade, "price" | "size" | "side"> {
  readonly ms: number;
  readonly own: boolean;
  readonly seq: number;
  readonly effectiveSpread: number | undefined;
}

export function tradesOf({ frame }: LoggedFrame): LoggedTrade[] {
  return frame.trades.map(({ timestamp, price, size, side, own }, nth) => ({
    ms: Date.parse(timestamp),
    price,
    size,
    side,
    own: own === true,
    seq: frame.seq,
    effectiveSpread: effectiveSpreadOf(frame, nth),
  }));
}

/** Only the session's own fills. */
export function ownTradesOf(logged: LoggedFrame): LoggedTrade[] {
  return logged.frame.trades.some(({ own }) => own === true) ? tradesOf(logged).filter(({ own }) => own) : [];
}

export interface LoggedAnomaly {
  readonly ms: number;
  readonly seq: number;
  readonly type: string;
  readonly severity: Severity;
  readonly message: string;
  readonly price: number;
  readonly anomaly: Anomaly;
  /** Where a click on it seeks. */
  readonly place: SeekPlace;
}

export function anomaliesOf({ frame, ms }: LoggedFrame): LoggedAnomaly[] {
  return frame.anomalies.map((anomaly) => ({
    ms: anomaly.timestamp === undefined ? ms : Date.parse(anomaly.timestamp),
    seq: frame.seq,
    type: anomaly.type,
    severity: anomaly.severity,
    message: anomaly.message,
    price: frame.mid_price,
    anomaly,
    // A merged frame has the anomalies of all its frames, each with its own time.
    place:
      frame.skipped !== undefined && anomaly.timestamp !== undefined ? { ts: anomaly.timestamp } : { seq: frame.seq },
  }));
}

const ranks: Readonly<Record<string, number>> = { low: 0, medium: 1, high: 2, critical: 3 };

/** 0 for low to 3 for critical. */
export function rankOf(severity: string): number {
  return ranks[severity] ?? 0;
}

/** `LIQUIDITY_GAP` → `Liquidity gap`. */
export function nameOf(type: string): string {
  const words = type.replaceAll("_", " ").toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** The most decimals of prices and sizes in a book. */
export function decimalsOf({ bids, asks }: Frame): { readonly price: number; readonly size: number } {
  let [price, size] = [0, 0];
  for (const side of [bids, asks]) {
    for (const level of side) {
      price = Math.max(price, decimalsIn(level[0]));
      size = Math.max(size, decimalsIn(level[1]));
    }
  }
  return { price: Math.min(8, price), size: Math.min(8, size) };
}

function decimalsIn(value: number): number {
  if (Number.isInteger(value)) return 0;
  const text = String(value);
  const dot = text.indexOf(".");
  // For example 1e-7.
  return dot < 0 ? 8 : text.length - dot - 1;
}
