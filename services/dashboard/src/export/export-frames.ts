import type { Frame } from "@tapedeck/protocol";
import { csvOf } from "@tapedeck/protocol/wire";
import type { FrameLog } from "../playback/frame-log";
import { effectiveSpreadOf } from "../playback/frame-values";
import type { TimeWindow } from "../playback/viewport";

/** The frames within the time window of heatmap and gauges. */
export function visibleFrames(log: FrameLog, { from, to }: TimeWindow): Frame[] {
  const frames: Frame[] = [];
  for (let index = Math.max(0, log.indexAt(from) + 1); index <= log.indexAt(to); index++) {
    const logged = log.at(index);
    if (logged) frames.push(logged.frame);
  }
  return frames;
}

type Scalar = string | number | boolean;
/** The fields that the frame's schema names, and those of them that fit into a cell. */
type NamedFields = { [Name in keyof Frame as string extends Name ? never : Name]-?: NonNullable<Frame[Name]> };
type CellName = {
  [Name in keyof NamedFields]: NamedFields[Name] extends Scalar | readonly Scalar[] ? Name : never;
}[keyof NamedFields];

/** Columns in order. A field of the schema that is missing here does not compile. */
const columns = {
  timestamp: true,
  seq: true,
  symbol: true,
  mid_price: true,
  microprice: true,
  best_bid: true,
  best_ask: true,
  spread: true,
  q_bid: true,
  q_ask: true,
  divergence: true,
  obi: true,
  ofi: true,
  directional_prob: true,
  vpin: true,
  spoofing_risk: true,
  volume_volatility: true,
  gap_count: true,
  gap_severity_score: true,
  regime: true,
  regime_label: true,
  updates: true,
  trade_classified: true,
  trade_volume: true,
  last_trade_price: true,
  trade_side: true,
  effective_spread: true,
  realized_spread: true,
  realized_spread_of: true,
  skipped: true,
  gap_before_ms: true,
  exchange_ts: true,
  ingest_ts: true,
  source: true,
} as const satisfies Record<Exclude<CellName, "type">, true>;

/** The same in all frames, so it has no column. */
const constantField = "type";

/** One line per frame: all fields, the number of trades, the anomalies, and the book level by level. */
export function framesCsv(frames: readonly Frame[]): string {
  const levels = frames.reduce((most, { bids, asks }) => Math.max(most, bids.length, asks.length), 0);
  const numbers = Array.from({ length: levels }, (_, nth) => nth + 1);
  const names = [...Object.keys(columns), ...extraFields(frames)];
  const head = [
    ...names,
    "trades",
    "anomalies",
    ...numbers.flatMap((n) => [`bid_price_${n}`, `bid_size_${n}`, `ask_price_${n}`, `ask_size_${n}`]),
  ];
  const lines = frames.map((frame) => [
    ...names.map((name) => frame[name]),
    frame.trades.length,
    frame.anomalies.map(({ type, severity }) => `${type}:${severity}`).join(" "),
    ...numbers.flatMap((n) => [...(frame.bids[n - 1] ?? ["", ""]), ...(frame.asks[n - 1] ?? ["", ""])]),
  ]);
  return csvOf([head, ...lines]);
}

/** Fields that are not in the schema; analytics may add some. */
function extraFields(frames: readonly Frame[]): string[] {
  const names = new Set<string>();
  for (const frame of frames) {
    for (const [name, value] of Object.entries(frame)) {
      if (!(name in columns) && name !== constantField && ["string", "number", "boolean"].includes(typeof value)) {
        names.add(name);
      }
    }
  }
  return [...names].sort();
}

/** One line per trade. */
export function tradesCsv(frames: readonly Frame[]): string {
  const lines = frames.flatMap((frame) =>
    frame.trades.map(({ timestamp, price, size, side, own, mid_price }, nth) => [
      ...[timestamp, frame.symbol, frame.seq, price, size, side, own ?? false],
      ...[mid_price, effectiveSpreadOf(frame, nth)],
    ]),
  );
  return csvOf([
    ["timestamp", "symbol", "seq", "price", "size", "side", "own", "mid_price", "effective_spread"],
    ...lines,
  ]);
}
