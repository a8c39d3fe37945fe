import type { Anomaly, Frame, Severity, Trade } from "@tapedeck/protocol";
import type { LoggedFrame } from "./frame-log";

/** A number of a frame by name; undefined where it has none. Analytics may add fields that no schema names. */
export function numberOf(frame: Frame, field: string): number | undefined {
  const value = frame[field];
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

export interface LoggedTrade extends Pick<Trade, "price" | "size" | "side"> {
  readonly ms: number;
  readonly own: boolean;
  readonly seq: number;
}

export function tradesOf({ frame }: LoggedFrame): LoggedTrade[] {
  return frame.trades.map(({ timestamp, price, size, side, own }) => ({
    ms: Date.parse(timestamp),
    price,
    size,
    side,
    own: own === true,
    seq: frame.seq,
  }));
}

export interface LoggedAnomaly {
  readonly ms: number;
  readonly seq: number;
  readonly type: string;
  readonly severity: Severity;
  readonly message: string;
  readonly price: number;
  readonly anomaly: Anomaly;
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

/** How many decimals the prices of a book have, so that they line up. */
export function decimalsOf(frame: Frame): number {
  let most = 0;
  for (const side of [frame.bids, frame.asks]) {
    for (const [price] of side) {
      const text = String(price);
      const dot = text.indexOf(".");
      if (dot >= 0) most = Math.max(most, text.length - dot - 1);
    }
  }
  return Math.min(8, most);
}
