import type { FrameParts } from "@tapedeck/market";
import { isoOfNs, nsOfIso } from "@tapedeck/protocol";
import { TapeWriter } from "./format/tape-writer.js";
import type { TapeStore } from "./store/store.js";
import type { Seq } from "./tape.js";
import { tapeName } from "./tape-id.js";

export { MemoryTapeStore } from "./store/memory-store.js";

export interface TestTapeOptions {
  readonly id?: string;
  readonly symbol?: string;
  readonly source?: string;
  readonly frames?: number;
  /** The first of them that `testFrames` makes; those before it only pass in time. */
  readonly from?: Seq;
  /** Milliseconds from frame to frame. */
  readonly intervalMs?: number;
  /** Nanoseconds from the frame before, instead of `intervalMs`. */
  readonly stepNs?: (seq: Seq) => number;
  readonly tradesPerFrame?: (seq: Seq) => number;
  /** Marked gaps: the frame after `seq` comes `ms` later. */
  readonly gapAfter?: readonly { readonly seq: Seq; readonly ms: number }[];
  /** Frames that carry an anomaly; every 50th by default. */
  readonly anomalyAt?: (seq: Seq) => boolean;
  /** Milliseconds since 1970 of the first frame. */
  readonly startMs?: number;
  readonly framesPerBlock?: number;
}

/** A store whose reads go through `change`: to damage files, delay reads or count them. */
export function interceptReads(
  store: TapeStore,
  change: (file: string, offset: number, bytes: Buffer) => Buffer | Promise<Buffer>,
): TapeStore {
  return {
    ids: () => store.ids(),
    current: (id) => store.current(id),
    versions: (id) => store.versions(id),
    begin: (id) => store.begin(id),
    delete: (id, version) => store.delete(id, version),
    erase: (id) => store.erase(id),
    segments: (tape) => store.segments(tape),
    tapesWithSegments: () => store.tapesWithSegments(),
    eraseSegments: (tape) => store.eraseSegments(tape),
    read: async (id, version, file) => change(file, 0, await store.read(id, version, file)),
    readRange: async (id, version, file, offset, length) =>
      change(file, offset, await store.readRange(id, version, file, offset, length)),
  };
}

/**
 * Writes a small tape for tests, the same for the same options: 10 levels a side around a price that swings, a trade in
 * every third frame, an anomaly in every 50th. Resolves to its `id@version`.
 */
export async function writeTestTape(store: TapeStore, options: TestTapeOptions = {}): Promise<string> {
  const { id = "test", symbol = "BTCUSDT", source = "TEST", intervalMs = 100, framesPerBlock = 64 } = options;
  const { startMs = testTapeStartMs } = options;
  const writer = await TapeWriter.open(store, {
    id,
    symbol,
    source,
    startNs: BigInt(startMs) * 1_000_000n,
    decimals: 3,
    precision: { priceDecimals: 2, sizeDecimals: 3 },
    intervalMs,
    framesPerBlock,
    createdMs: startMs,
  });
  for (const frame of testFrames(options)) await writer.append(frame);
  const { version } = await writer.finish();
  return tapeName(id, version);
}

/** The frames of a test tape. */
export function* testFrames(options: TestTapeOptions = {}): Generator<FrameParts> {
  const { symbol = "BTCUSDT", frames = 500, from = 0, intervalMs = 100, stepNs = () => intervalMs * 1e6 } = options;
  const { startMs = testTapeStartMs, gapAfter = [] } = options;
  const { tradesPerFrame = everyThird, anomalyAt = everyFiftieth } = options;
  const startNs = BigInt(startMs) * 1_000_000n;
  let ns = 0;
  for (let seq = 0; seq < frames; seq++) {
    const fromNs = ns;
    const gapMs = gapAfter.find((gap) => gap.seq === seq - 1)?.ms ?? 0;
    if (seq > 0) ns += gapMs > 0 ? gapMs * 1e6 : stepNs(seq);
    if (seq < from) continue;
    yield {
      ...testFrame(symbol, seq, isoOfNs(startNs + BigInt(ns), 3), tradesPerFrame(seq), anomalyAt(seq)),
      ns,
      gapBefore: gapMs > 0 ? { fromNs, reason: "silence" } : null,
    };
  }
}

/** 2024-08-08T12:00:00Z, the default start of test tapes. */
export const testTapeStartMs = Number((nsOfIso("2024-08-08T12:00:00Z") ?? 0n) / 1_000_000n);

const everyThird = (seq: Seq) => (seq % 3 === 0 ? 1 : 0);
const everyFiftieth = (seq: Seq) => seq % 50 === 49;

/** A frame of a test tape, without its time. */
export function testFrame(
  symbol: string,
  seq: Seq,
  timestamp: string,
  tradeCount = everyThird(seq),
  anomalous = everyFiftieth(seq),
): Omit<FrameParts, "ns" | "gapBefore"> {
  const cents = 6_000_000 + (seq % 200) * 5 - Math.floor(seq / 7);
  const price = (offset: number) => (cents + offset) / 100;
  const side = (direction: 1 | -1) =>
    Array.from({ length: 10 }, (_, level) => [price(direction * (level + 1)), ((seq * 7 + level) % 50) / 10 + 0.1]);
  const trades = Array.from({ length: tradeCount }, (_, nth) => ({
    timestamp,
    price: price(nth % 2 === 0 ? 1 : -1),
    size: (((seq + nth) % 9) + 1) / 1000,
    side: nth % 2 === 0 ? "buy" : "sell",
  }));
  const last = trades.at(-1);
  const bids = rounded(side(-1));
  const asks = rounded(side(1));
  const head = {
    timestamp,
    symbol,
    bids,
    asks,
    mid_price: price(0),
    microprice: price(0),
    best_bid: price(-1),
    best_ask: price(1),
    spread: 0.02,
    q_bid: bids[0]?.[1],
    q_ask: asks[0]?.[1],
    divergence: 0,
    updates: 1 + (seq % 5),
  };
  const anomaly = {
    timestamp,
    type: "SPOOFING",
    severity: "high",
    message: `frame ${seq}`,
    side: "BID",
    volume_ratio: 4,
    price_level: price(-1),
  };
  return {
    head: JSON.stringify(head).slice(1, -1),
    trades: trades.map((trade) => JSON.stringify(trade)).join(","),
    tradeCount,
    tradeVolume: trades.reduce((sum, trade) => sum + trade.size, 0),
    lastTradePrice: last?.price ?? 0,
    lastTradeSide: last === undefined ? "unknown" : last.side === "buy" ? "buy" : "sell",
    effectiveSpread: last === undefined ? null : 0.02,
    anomalies: anomalous ? JSON.stringify(anomaly) : "",
    events: anomalous ? [{ type: "SPOOFING", severity: "high" }] : [],
    price: price(0),
  };
}

function rounded(levels: number[][]): number[][] {
  return levels.map((level) => level.map((value) => Math.round(value * 1e3) / 1e3));
}
