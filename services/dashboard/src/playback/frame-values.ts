import type { SeekPlace } from "@tapedeck/client";
import type { Anomaly, Frame, LiquidityGap, Severity, Trade } from "@tapedeck/protocol";
import type { LoggedFrame } from "./frame-log";

/** A number of a frame by name; undefined where it has none. Analytics may add fields that no schema names. */
export function numberOf(frame: Frame, field: string): number | undefined {
  const value = frame[field];
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

const noGaps: readonly LiquidityGap[] = [];

/** The thin levels of a book; none where a tape has no analytics. */
export function gapsOf({ liquidity_gaps }: Frame): readonly LiquidityGap[] {
  return liquidity_gaps ?? noGaps;
}

/**
 * What the nth trade of a frame paid for taking, in price units: against the mid that it met. Older tapes know that of a frame's last
 * trade only, as the frame's own value. Undefined where it is not known, as of a trade whose side is not.
 */
export function effectiveSpreadOf({ trades, effective_spread }: Frame, nth: number): number | undefined {
  const trade = trades[nth];
  if (trade === undefined || trade.side === "unknown") return undefined;
  const { price, side, mid_price: mid } = trade;
  if (typeof mid === "number") return tidy(2 * (side === "buy" ? price - mid : mid - price));
  return nth === trades.length - 1 ? (effective_spread ?? undefined) : undefined;
}

/** Without the noise of doubles. */
function tidy(value: number): number {
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

/** The session's own fills among them. */
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
  /** Where a seek to it goes. */
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
    // A frame that stands for several has the anomalies of all, each with the time of its own.
    place:
      frame.skipped !== undefined && anomaly.timestamp !== undefined ? { ts: anomaly.timestamp } : { seq: frame.seq },
  }));
}

const ranks: Readonly<Record<string, number>> = { low: 0, medium: 1, high: 2, critical: 3 };

/** 0 for low to 3 for critical. */
export function rankOf(severity: string): number {
  return ranks[severity] ?? 0;
}

/** `LIQUIDITY_GAP` as people write it: `Liquidity gap`. */
export function nameOf(type: string): string {
  const words = type.replaceAll("_", " ").toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** How many decimals the prices and the sizes of a book have, so that they line up. */
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
  // 1e-7 has no point.
  return dot < 0 ? 8 : text.length - dot - 1;
}
