import type { Frame } from "@tapedeck/protocol";

/** A frame in one line: what the market did since the frame before. */
export function frameRow(frame: Frame) {
  const { seq, timestamp: ts, best_bid, best_ask, mid_price: mid, q_bid, q_ask, trades, anomalies } = frame;
  const { obi, ofi, vpin, regime_label: regime, skipped, gap_before_ms } = frame;
  return {
    ...{ seq, ts, best_bid, best_ask, mid, q_bid, q_ask, obi, ofi, vpin, regime },
    ...{ trades: trades.length, volume: volumeOf(trades), last_price: trades.at(-1)?.price },
    anomalies: anomalies.map(({ type, severity }) => `${type} ${severity}`),
    ...{ skipped, gap_before_ms },
  };
}

/** Sums of sizes without the noise of floats. */
export function volumeOf(trades: Frame["trades"]): number {
  return Number(trades.reduce((sum, { size }) => sum + size, 0).toPrecision(12));
}
