import {
  analyticsVersion,
  type FrameAnalytics,
  FrameBuilder,
  type FrameParts,
  MarketAnalytics,
  SimulatedMarket,
  simulatedStartNs,
} from "@tapedeck/market";
import { describe, expect, test } from "vitest";
import { TapeNotFound } from "./errors.js";
import { TapeWriter } from "./format/tape-writer.js";
import { importToMemory, recording, recordingsAbsent } from "./import/test-recordings.js";
import { recompute } from "./recompute.js";
import { MemoryTapeStore } from "./store/memory-store.js";
import { TapeCatalog } from "./tape-catalog.js";
import { tapeName } from "./tape-id.js";
import { writeTestTape } from "./testing.js";

async function texts(store: MemoryTapeStore, name: string): Promise<string[]> {
  const tape = await new TapeCatalog(store, { cacheBytes: 32 << 20 }).open(name);
  const frames: string[] = [];
  for (let seq = 0; seq <= tape.span.lastSeq; seq++) frames.push((await tape.load(seq)).json(seq));
  return frames;
}

async function manifest(store: MemoryTapeStore, id: string, version: number) {
  const { created_at, version: _, ...rest } = JSON.parse(String(await store.read(id, version, "manifest.json")));
  return rest;
}

test.skipIf(recordingsAbsent)("[AN3] a tape's frames give the same analytics as its source did", async () => {
  // With gaps, several of them short, and with trades of frames that are no whole milliseconds apart.
  for (const files of [["binance-archiver-csv"], ["lob-250ms"], ["binance-raw/usdm_btcusdt_20240718.gz"]]) {
    const imported = await importToMemory(recording(...files));
    for (const { tape = "" } of imported.report.tapes) {
      const made = await recompute(imported.store, tape);
      const [id = "", version] = made.split("@");
      expect(Number(version)).toBe(2);
      expect(await texts(imported.store, made)).toEqual(await texts(imported.store, tape));
      expect(await manifest(imported.store, id, 2)).toEqual(await manifest(imported.store, id, 1));
    }
  }
});

describe("[AN4] recomputing", () => {
  test("gives analytics to a tape that had none, and leaves the version before as it was", async () => {
    const store = new MemoryTapeStore();
    const name = await writeTestTape(store, { frames: 300, gapAfter: [{ seq: 100, ms: 9_000 }] });
    const before = await texts(store, name);
    const made = await recompute(store, name);
    const after = await texts(store, made);
    expect(await texts(store, name)).toEqual(before);
    expect(await manifest(store, "test", 1)).not.toHaveProperty("analytics_version");
    expect(await manifest(store, "test", 2)).toMatchObject({ analytics_version: analyticsVersion, gaps: [{}] });
    // Books, trades and gaps are as they were; what was found in them is new.
    const bare = (text: string) => {
      const { bids, asks, trades, gap_before_ms } = JSON.parse(text);
      return { bids, asks, trades, gap_before_ms };
    };
    expect(after.map(bare)).toEqual(before.map(bare));
    for (const text of after) expect(JSON.parse(text)).toHaveProperty("obi");
  });

  test("replaces older analytics by the current ones", async () => {
    const store = new MemoryTapeStore();
    const [older, current] = [olderVersion, analyticsVersion];
    const then = await recordGap(store, "then", older, olderAnalytics());
    const now = await recordGap(store, "now", current, new MarketAnalytics());
    expect(await manifest(store, "then", 1)).toMatchObject({ analytics_version: older });
    expect(await texts(store, then)).not.toEqual(await texts(store, now));
    expect(await texts(store, await recompute(store, then))).toEqual(await texts(store, now));
    expect(await manifest(store, "then", 2)).toMatchObject({ analytics_version: current });
  });

  test("twice changes nothing", async () => {
    const store = new MemoryTapeStore();
    const once = await recompute(store, await writeTestTape(store, { frames: 200 }));
    expect(await texts(store, await recompute(store, once))).toEqual(await texts(store, once));
  });

  test("refuses a tape that is not there, and one that is stopped leaves nothing", async () => {
    const store = new MemoryTapeStore();
    await expect(recompute(store, "nothing")).rejects.toThrow(TapeNotFound);
    const name = await writeTestTape(store);
    const signal = AbortSignal.abort();
    await expect(recompute(store, name, { signal })).rejects.toThrow();
    expect(await store.versions("test")).toEqual([1]);
  });
});

const olderVersion = analyticsVersion - 1;

/** Analytics that compute the same features and raise no alerts. */
function olderAnalytics(): FrameAnalytics {
  const analytics = new MarketAnalytics();
  return { analyse: (moment) => ({ ...analytics.analyse(moment), anomalies: "", events: [] }) };
}

/** Records two minutes of a market in which a gap is staged. Resolves to the tape's `id@version`. */
async function recordGap(
  store: MemoryTapeStore,
  id: string,
  version: number,
  analytics: FrameAnalytics,
): Promise<string> {
  const market = new SimulatedMarket({ symbol: "BTCUSDT", seed: 1, scenario: "liquidity_gap:high" });
  const { symbol, priceDecimals, sizeDecimals } = market.instrument;
  const frames: FrameParts[] = [];
  const builder = new FrameBuilder({
    symbol,
    originNs: simulatedStartNs,
    decimals: 3,
    intervalNs: 100e6,
    analytics,
    emit: (parts) => frames.push(parts),
  });
  builder.apply(market.opening(0));
  for (const segment of [0, 1]) for (const event of market.events(segment)) builder.apply(event);
  builder.end();
  const writer = await TapeWriter.open(store, {
    id,
    symbol,
    source: "TEST",
    startNs: simulatedStartNs,
    decimals: 3,
    precision: { priceDecimals, sizeDecimals },
    intervalMs: 100,
    analyticsVersion: version,
  });
  for (const frame of frames) await writer.append(frame);
  const made = await writer.finish();
  return tapeName(id, made.version);
}
