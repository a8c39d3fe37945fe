import { rounded } from "@tapedeck/market";
import { nsOfIso, type Trade, trade as tradeSchema } from "@tapedeck/protocol";
import { z } from "zod";
import type { Column } from "../track/parquet-file.js";
import type { SeqRange } from "./export-range.js";
import { blocksOf } from "./frame-rows.js";
import type { RowSource, RowTape } from "./row-source.js";

const unitNs = { ms: 1_000_000n, s: 1_000_000_000n, m: 60_000_000_000n, h: 3_600_000_000_000n, d: 86_400_000_000_000n };
const longestNs = 7n * unitNs.d;
export const barIntervals = "a duration of at most 7d, such as 100ms, 1s, 5m, 1h or 1d";

/** Nanoseconds of a bar's interval; undefined if the text is not `barIntervals`. */
export function parseBarInterval(text: string): bigint | undefined {
  const [, count, unit] = /^([1-9]\d{0,5})(ms|s|m|h|d)$/.exec(text) ?? [];
  if (count === undefined || !isUnit(unit)) return undefined;
  const ns = BigInt(count) * unitNs[unit];
  return ns <= longestNs ? ns : undefined;
}

function isUnit(unit: string | undefined): unit is keyof typeof unitNs {
  return unit !== undefined && unit in unitNs;
}

/** Trades may be on frames that are later than they are: bars stay open for so long. */
const openNs = 60_000_000_000n;
const rowsPerBatch = 100_000;
/** Digits of a vwap beyond those of prices. */
const fineDigits = 6;

interface Bar {
  readonly startNs: bigint;
  readonly open: number;
  high: number;
  low: number;
  close: number;
  volume: number;
  turnover: number;
  trades: number;
}

const float = (name: string): Column => ({ name, kind: "float" });
const columns: readonly Column[] = [
  { name: "exchange", kind: "text" },
  { name: "symbol", kind: "text" },
  { name: "timestamp", kind: "time", encoding: "differences", indexed: true },
  ...["open", "high", "low", "close", "volume"].map(float),
  { name: "trades", kind: "number" },
  float("vwap"),
];

/**
 * A row for each interval in which a frame's trades lie, by the trades' own times; `timestamp` is its beginning, at whole multiples
 * since 1970. Open and close are the first and last trade in the tape's order.
 */
export function barRows(tape: RowTape, range: SeqRange, intervalNs: bigint): RowSource {
  return {
    columns,
    timeDecimals: tape.decimals,
    async *batches() {
      const bars = new OpenBars(intervalNs);
      let closed: Bar[] = [];
      for await (const block of blocksOf(tape, range)) {
        const last = Math.min(block.lastSeq, range.to);
        for (let seq = Math.max(block.firstSeq, range.from); seq <= last; seq++) {
          if (block.tradeCountOf(seq) > 0) for (const trade of tradesOf(block.trades(seq))) bars.add(trade);
          // After each frame: blocks end elsewhere while a tape grows, and bars must not depend on it.
          closed.push(...bars.close(tape.startNs + BigInt(block.nsOf(seq)) - openNs));
          if (seq === range.to) closed.push(...bars.close(undefined));
          if (closed.length === 0 || (closed.length < rowsPerBatch && seq < range.to)) continue;
          const done = (seq - range.from + 1) / (range.to - range.from + 1);
          yield { rows: closed.length, values: valuesOf(closed, tape), done };
          closed = [];
        }
      }
    },
  };
}

const trades = z.array(tradeSchema);

function tradesOf(text: string): Trade[] {
  return trades.parse(JSON.parse(`[${text}]`));
}

class OpenBars {
  readonly #intervalNs: bigint;
  readonly #bars = new Map<bigint, Bar>();
  /** The first interval that is not closed. */
  #next: bigint | undefined;
  /** When the oldest open bar ends; undefined without any. */
  #firstEnd: bigint | undefined;

  constructor(intervalNs: bigint) {
    this.#intervalNs = intervalNs;
  }

  add({ timestamp, price, size }: Trade): void {
    const ns = nsOfIso(timestamp) ?? 0n;
    const own = ns - (ns % this.#intervalNs);
    // What is later than bars stay open goes to the oldest that is.
    const startNs = this.#next !== undefined && own < this.#next ? this.#next : own;
    const bar = this.#bars.get(startNs);
    if (bar === undefined) {
      const single = { open: price, high: price, low: price, close: price, volume: size, turnover: price * size };
      this.#bars.set(startNs, { startNs, ...single, trades: 1 });
      const end = startNs + this.#intervalNs;
      if (this.#firstEnd === undefined || end < this.#firstEnd) this.#firstEnd = end;
      return;
    }
    bar.high = Math.max(bar.high, price);
    bar.low = Math.min(bar.low, price);
    bar.close = price;
    bar.volume += size;
    bar.turnover += price * size;
    bar.trades++;
  }

  /** The bars that end before a time, the oldest first; undefined: all. */
  close(beforeNs: bigint | undefined): Bar[] {
    if (this.#firstEnd === undefined || (beforeNs !== undefined && this.#firstEnd > beforeNs)) return [];
    const closed = [...this.#bars.values()]
      .filter(({ startNs }) => beforeNs === undefined || startNs + this.#intervalNs <= beforeNs)
      .sort((a, b) => (a.startNs < b.startNs ? -1 : 1));
    for (const { startNs } of closed) this.#bars.delete(startNs);
    const [first] = [...this.#bars.keys()].sort((a, b) => (a < b ? -1 : 1));
    this.#firstEnd = first === undefined ? undefined : first + this.#intervalNs;
    const last = closed.at(-1);
    if (last !== undefined) this.#next = last.startNs + this.#intervalNs;
    return closed;
  }
}

function valuesOf(bars: readonly Bar[], { source, symbol, precision: { priceDecimals, sizeDecimals } }: RowTape) {
  return {
    exchange: bars.map(() => source),
    symbol: bars.map(() => symbol),
    timestamp: BigInt64Array.from(bars, ({ startNs }) => startNs),
    open: bars.map(({ open }) => open),
    high: bars.map(({ high }) => high),
    low: bars.map(({ low }) => low),
    close: bars.map(({ close }) => close),
    volume: bars.map(({ volume }) => rounded(volume, sizeDecimals)),
    trades: BigInt64Array.from(bars, ({ trades }) => BigInt(trades)),
    vwap: bars.map(({ turnover, volume }) => rounded(turnover / volume, priceDecimals + fineDigits)),
  };
}
