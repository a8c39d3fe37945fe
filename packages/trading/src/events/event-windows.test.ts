import { analyticsVersion } from "@tapedeck/market";
import { MemoryTapeStore, TapeCatalog, type TrackDecimals } from "@tapedeck/tape";
import { expect, test } from "vitest";
import { EventWindows } from "./event-windows.js";

test("[TR67] a process keeps a bounded number of events, whatever it has read", { timeout: 60_000 }, async () => {
  const tapes = new TapeCatalog(new MemoryTapeStore(), { cacheBytes: 64 << 20 });
  const tape = await tapes.open(`sim2.BTCUSDT.42.quote_stuffing@${analyticsVersion}`);
  const { precision } = tape;
  const decimals: TrackDecimals = { price: precision.priceDecimals, size: precision.sizeDecimals };
  const windows = new EventWindows();
  let read = 0;
  while (read <= 150_000) {
    const from = 60 * Math.floor(read / 1_000);
    for await (const events of windows.read({ tape, decimals, orders: true }, from, from + 600)) read += events.length;
    expect(windows.size).toBeLessThanOrEqual(100_000);
  }
  expect(windows.size).toBeGreaterThan(50_000);
});
