import { type Frame, frame as frameSchema, nsOfIso } from "@tapedeck/protocol";
import type { Seq } from "../tape.js";
import type { Column, ColumnKind } from "../track/parquet-file.js";
import type { SeqRange } from "./export-range.js";
import type { RowBlock, RowSource, RowTape } from "./row-source.js";

/** Levels of each side that frames have at most. */
const levels = 20;
/** Batches end at its multiples, so that the batches of a growing tape stay what they are. */
const framesPerBatch = 16_384;

interface Place {
  readonly tape: RowTape;
  readonly block: RowBlock;
  readonly seq: Seq;
}

/** A column, and its value in a frame; undefined where the frame has none. */
interface FrameColumn extends Column {
  readonly value: (frame: Frame, place: Place) => unknown;
}

/** A row for each frame: its features, what it says of its trades, and its levels, best first. */
export function frameRows(tape: RowTape, range: SeqRange): RowSource {
  return {
    columns: columns.map(({ value: _, ...column }) => column),
    timeDecimals: tape.decimals,
    sameCuts: true,
    async *batches() {
      let rows: unknown[][] = columns.map(() => []);
      let count = 0;
      for await (const block of blocksOf(tape, range)) {
        const last = Math.min(block.lastSeq, range.to);
        for (let seq = Math.max(block.firstSeq, range.from); seq <= last; seq++) {
          const frame = frameSchema.parse(JSON.parse(block.json(seq)));
          const place = { tape, block, seq };
          for (let at = 0; at < columns.length; at++) rows[at]?.push(columns[at]?.value(frame, place));
          count++;
          if ((seq + 1) % framesPerBatch !== 0 && seq < range.to) continue;
          const values = Object.fromEntries(columns.map(({ name }, at) => [name, rows[at] ?? []]));
          yield { rows: count, values, done: (seq - range.from + 1) / (range.to - range.from + 1) };
          rows = columns.map(() => []);
          count = 0;
        }
      }
    },
  };
}

/** The blocks that have frames of a range, one after the other. */
export async function* blocksOf(tape: RowTape, { from, to }: SeqRange): AsyncGenerator<RowBlock, void, undefined> {
  for (let seq = from; seq <= to; ) {
    const block = await tape.load(seq);
    yield block;
    seq = block.lastSeq + 1;
  }
}

function required(name: string, kind: ColumnKind, value: FrameColumn["value"]): FrameColumn {
  return { name, kind, value };
}

function optional(name: string, kind: ColumnKind, value: FrameColumn["value"]): FrameColumn {
  return { name, kind, optional: true, value: (frame, place) => value(frame, place) ?? undefined };
}

function whole(value: number | undefined): bigint | undefined {
  return value === undefined ? undefined : BigInt(value);
}

function json(value: readonly unknown[] | null | undefined): string | undefined {
  return value == null || value.length === 0 ? undefined : JSON.stringify(value);
}

function listed(items: string): string | undefined {
  return items === "" ? undefined : `[${items}]`;
}

function time(iso: string | undefined): bigint | undefined {
  return iso === undefined ? undefined : nsOfIso(iso);
}

/** A level of size 0 is none. */
function level(side: "bids" | "asks", place: number, what: 0 | 1): FrameColumn["value"] {
  return (frame) => {
    const found = frame[side][place];
    return found === undefined || found[1] === 0 ? undefined : found[what];
  };
}

const columns: readonly FrameColumn[] = [
  required("exchange", "text", (_, { tape }) => tape.source),
  required("symbol", "text", ({ symbol }) => symbol),
  {
    ...required("timestamp", "time", (_, { tape, block, seq }) => tape.startNs + BigInt(block.nsOf(seq))),
    encoding: "differences",
    indexed: true,
  },
  { ...required("seq", "number", (_, { seq }) => BigInt(seq)), encoding: "differences", indexed: true },
  required("mid_price", "float", (frame) => frame.mid_price),
  required("microprice", "float", (frame) => frame.microprice),
  optional("best_bid", "float", (frame) => frame.best_bid),
  optional("best_ask", "float", (frame) => frame.best_ask),
  optional("spread", "float", (frame) => frame.spread),
  required("q_bid", "float", (frame) => frame.q_bid),
  required("q_ask", "float", (frame) => frame.q_ask),
  optional("divergence", "float", (frame) => frame.divergence),
  required("updates", "number", (frame) => BigInt(frame.updates)),
  optional("obi", "float", (frame) => frame.obi),
  optional("ofi", "float", (frame) => frame.ofi),
  optional("directional_prob", "float", (frame) => frame.directional_prob),
  optional("vpin", "float", (frame) => frame.vpin),
  optional("regime", "number", (frame) => whole(frame.regime)),
  optional("regime_label", "text", (frame) => frame.regime_label),
  optional("gap_count", "number", (frame) => whole(frame.gap_count)),
  optional("gap_severity_score", "float", (frame) => frame.gap_severity_score),
  optional("liquidity_gaps", "json", (frame) => json(frame.liquidity_gaps)),
  optional("spoofing_risk", "float", (frame) => frame.spoofing_risk),
  optional("volume_volatility", "float", (frame) => frame.volume_volatility),
  required("trade_count", "number", (frame) => BigInt(frame.trades.length)),
  optional("trade_volume", "float", (frame) => frame.trade_volume),
  optional("last_trade_price", "float", (frame) => frame.last_trade_price),
  optional("trade_side", "text", (frame) => frame.trade_side),
  optional("effective_spread", "float", (frame) => frame.effective_spread),
  optional("realized_spread", "float", (frame) => frame.realized_spread),
  optional("realized_spread_of", "json", (frame) => json(frame.realized_spread_of)),
  optional("anomalies", "json", (_, { block, seq }) => listed(block.anomalies(seq))),
  optional("gap_before_ms", "float", (_, { block, seq }) => block.gapBeforeNsOf(seq) / 1e6 || undefined),
  optional("exchange_ts", "time", (frame) => time(frame.exchange_ts)),
  optional("ingest_ts", "time", (frame) => time(frame.ingest_ts)),
  ...Array.from({ length: levels }, (_, place) => [
    optional(`bid_price_${place + 1}`, "float", level("bids", place, 0)),
    optional(`bid_size_${place + 1}`, "float", level("bids", place, 1)),
    optional(`ask_price_${place + 1}`, "float", level("asks", place, 0)),
    optional(`ask_size_${place + 1}`, "float", level("asks", place, 1)),
  ]).flat(),
];
