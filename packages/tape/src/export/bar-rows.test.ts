import { isoOfNs, nsOfIso } from "@tapedeck/protocol";
import { expect, test } from "vitest";
import { z } from "zod";
import { TapeWriter } from "../format/tape-writer.js";
import { MemoryTapeStore } from "../store/memory-store.js";
import type { Tape } from "../tape.js";
import { TapeCatalog } from "../tape-catalog.js";
import { testFrame, testFrames, testTapeStartMs, writeTestTape } from "../testing.js";
import { barRows } from "./bar-rows.js";
import { rowsOf } from "./testing.js";

const second = 1_000_000_000n;
const trades = z.array(z.looseObject({ timestamp: z.string(), price: z.number(), size: z.number() }));

async function opened(store: MemoryTapeStore, name: string): Promise<Tape> {
  return new TapeCatalog(store, { cacheBytes: 8 << 20 }).open(name);
}

function rounded(value: number): number {
  return Number(value.toFixed(8));
}

test("[EX5] bars have open, high, low, close, volume, trades and vwap, and none is where no trade is", async () => {
  const store = new MemoryTapeStore();
  const options = {
    frames: 3_000,
    tradesPerFrame: (seq: number) => (seq % 400 < 100 ? seq % 4 : 0),
    gapAfter: [{ seq: 700, ms: 90_000 }],
  };
  const tape = await opened(store, await writeTestTape(store, options));
  for (const intervalNs of [second / 10n, second, 5n * second, 3_600n * second]) {
    const expected = new Map<bigint, { prices: number[]; sizes: number[] }>();
    for (const frame of testFrames(options)) {
      for (const { timestamp, price, size } of trades.parse(JSON.parse(`[${frame.trades}]`))) {
        const ns = nsOfIso(timestamp) ?? 0n;
        const bar = expected.get(ns - (ns % intervalNs)) ?? { prices: [], sizes: [] };
        bar.prices.push(price);
        bar.sizes.push(size);
        expected.set(ns - (ns % intervalNs), bar);
      }
    }
    const rows = await rowsOf(barRows(tape, { from: 0, to: 2_999 }, intervalNs));
    expect(rows.map((row) => ({ ...row, vwap: rounded(Number(row.vwap)) }))).toEqual(
      [...expected].map(([timestamp, { prices, sizes }]) => {
        const volume = sizes.reduce((sum, size) => sum + size, 0);
        const turnover = prices.reduce((sum, price, at) => sum + price * (sizes[at] ?? 0), 0);
        return {
          exchange: "TEST",
          symbol: "BTCUSDT",
          timestamp,
          open: prices[0],
          high: Math.max(...prices),
          low: Math.min(...prices),
          close: prices.at(-1),
          volume: Number(volume.toFixed(3)),
          trades: BigInt(prices.length),
          vwap: rounded(turnover / volume),
        };
      }),
    );
  }
});

test("[EX5] of a range, bars have the trades of its frames", async () => {
  const store = new MemoryTapeStore();
  const tape = await opened(store, await writeTestTape(store, { frames: 200, tradesPerFrame: () => 1 }));
  const rows = await rowsOf(barRows(tape, { from: 95, to: 104 }, second));
  expect(rows.map(({ timestamp, trades }) => [timestamp, trades])).toEqual([
    [BigInt(testTapeStartMs + 9_000) * 1_000_000n, 5n],
    [BigInt(testTapeStartMs + 10_000) * 1_000_000n, 5n],
  ]);
  expect(await rowsOf(barRows(tape, { from: 3, to: 3 }, second))).toHaveLength(1);
});

test("[EX5] a trade belongs to the bar of its own time if it is at most a minute late, else to the oldest one that is open", async () => {
  const store = new MemoryTapeStore();
  const startNs = BigInt(testTapeStartMs) * 1_000_000n;
  const writer = await TapeWriter.open(store, {
    id: "late",
    symbol: "BTCUSDT",
    source: "TEST",
    startNs,
    decimals: 3,
    precision: { priceDecimals: 2, sizeDecimals: 3 },
    intervalMs: null,
    framesPerBlock: 1,
  });
  // Second of the frame, and of its trade.
  const late = [
    [0, 0],
    [30, 30],
    [61, 1],
    [100, 100],
    [200, 2],
    [201, 201],
  ] as const;
  for (const [seq, [frame, trade]] of late.entries()) {
    const timestamp = isoOfNs(startNs + BigInt(trade) * second, 3);
    await writer.append({ ...testFrame("BTCUSDT", seq, timestamp, 1), ns: frame * 1e9, gapBefore: null });
  }
  await writer.finish();
  const tape = await opened(store, "late@1");
  const rows = await rowsOf(barRows(tape, { from: 0, to: 5 }, second));
  const seconds = rows.map(({ timestamp }) =>
    typeof timestamp === "bigint" ? Number((timestamp - startNs) / second) : -1,
  );
  // The trade of second 2 came when the bars up to that of second 30 were closed.
  expect(seconds).toEqual([0, 1, 30, 31, 100, 201]);
});
