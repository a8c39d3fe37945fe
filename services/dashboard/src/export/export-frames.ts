import type { Frame } from "@tapedeck/protocol";
import type { FrameLog } from "../deck/frame-log";
import type { TimeWindow } from "../deck/viewport";

/** The frames in sight: those within the window that heatmap and gauges show. */
export function framesInSight(log: FrameLog, { from, to }: TimeWindow): Frame[] {
  const frames: Frame[] = [];
  for (let index = Math.max(0, log.indexAt(from) + 1); index <= log.indexAt(to); index++) {
    const logged = log.at(index);
    if (logged) frames.push(logged.frame);
  }
  return frames;
}

const columns = [
  "timestamp",
  "seq",
  "symbol",
  "mid_price",
  "microprice",
  "best_bid",
  "best_ask",
  "spread",
  "q_bid",
  "q_ask",
  "obi",
  "ofi",
  "vpin",
  "spoofing_risk",
  "gap_count",
  "gap_severity_score",
  "regime_label",
  "directional_prob",
  "updates",
  "skipped",
] as const;

/** One line a frame: features, number of trades and their volume, anomalies, and the book level by level. */
export function framesCsv(frames: readonly Frame[]): string {
  const levels = frames.reduce((most, { bids, asks }) => Math.max(most, bids.length, asks.length), 0);
  const numbers = Array.from({ length: levels }, (_, nth) => nth + 1);
  const head = [
    ...columns,
    "trades",
    "trade_volume",
    "anomalies",
    ...numbers.flatMap((n) => [`bid_price_${n}`, `bid_size_${n}`, `ask_price_${n}`, `ask_size_${n}`]),
  ];
  const lines = frames.map((frame) => [
    ...columns.map((name) => frame[name]),
    frame.trades.length,
    frame.trades.reduce((sum, { size }) => sum + size, 0),
    frame.anomalies.map(({ type, severity }) => `${type}:${severity}`).join(" "),
    ...numbers.flatMap((n) => [...(frame.bids[n - 1] ?? ["", ""]), ...(frame.asks[n - 1] ?? ["", ""])]),
  ]);
  return [head, ...lines].map((line) => line.map(cell).join(",")).join("\r\n");
}

/** One line a trade. */
export function tradesCsv(frames: readonly Frame[]): string {
  const lines = frames.flatMap(({ seq, symbol, trades }) =>
    trades.map(({ timestamp, price, size, side, own }) => [timestamp, symbol, seq, price, size, side, own ?? false]),
  );
  return [["timestamp", "symbol", "seq", "price", "size", "side", "own"], ...lines]
    .map((line) => line.map(cell).join(","))
    .join("\r\n");
}

/** As RFC 4180 has it. */
function cell(value: unknown): string {
  if (value === null || value === undefined) return "";
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
