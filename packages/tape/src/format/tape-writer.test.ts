import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FrameParts } from "@tapedeck/market";
import { describe, expect, test } from "vitest";
import { TapeWriteError } from "../errors.js";
import { BlockCache, minCacheBytes } from "../reading/block-cache.js";
import { RecordedTape } from "../reading/recorded-tape.js";
import { FolderTapeStore } from "../store/folder-store.js";
import { MemoryTapeStore } from "../store/memory-store.js";
import type { TapeStore } from "../store/store.js";
import { testFrames, testTapeStartMs, writeTestTape } from "../testing.js";
import type { CompressedBlock } from "./block-builder.js";
import { TapeWriter, type TapeWriterOptions } from "./tape-writer.js";

const options: TapeWriterOptions = {
  id: "aapl",
  symbol: "AAPL",
  source: "NASDAQ",
  startNs: 1_340_287_200_000_000_001n,
  decimals: 9,
  precision: { priceDecimals: 2, sizeDecimals: 3 },
  intervalMs: null,
  framesPerBlock: 4,
};

const quiet: FrameParts = {
  ns: 0,
  head: '"timestamp":"2012-06-21T14:00:00.000000001Z","symbol":"AAPL"',
  trades: "",
  tradeCount: 0,
  tradeVolume: 0,
  lastTradePrice: 0,
  lastTradeSide: "unknown",
  effectiveSpread: null,
  anomalies: "",
  events: [],
  price: 585.5,
  gapBefore: null,
};

const traded: FrameParts = {
  ...quiet,
  ns: 1_000,
  trades: '{"price":585.51,"size":0.1},{"price":585.5,"size":0.2}',
  tradeCount: 2,
  tradeVolume: 0.1 + 0.2,
  lastTradePrice: 585.5,
  lastTradeSide: "sell",
  effectiveSpread: 0.01,
  anomalies: '{"type":"SPOOFING","severity":"high"}',
  events: [{ type: "SPOOFING", severity: "high" }],
};

async function write(store: TapeStore, frames: readonly FrameParts[]): Promise<RecordedTape> {
  const writer = await TapeWriter.open(store, options);
  for (const frame of frames) await writer.append(frame);
  const { version } = await writer.finish();
  return RecordedTape.open(store, options.id, version, new BlockCache(minCacheBytes));
}

async function jsonOf(tape: RecordedTape, seq: number): Promise<string> {
  return (await tape.load(seq)).json(seq);
}

describe("a recorded frame", () => {
  test("[TP10] is the head, the trade fields, the trades and the anomalies, in this order", async () => {
    const tape = await write(new MemoryTapeStore(), [quiet, traded]);
    expect(await jsonOf(tape, 0)).toBe(
      `{"type":"snapshot","seq":0,${quiet.head},"trade_classified":false,"trades":[],"anomalies":[]}`,
    );
    expect(await jsonOf(tape, 1)).toBe(
      `{"type":"snapshot","seq":1,${quiet.head},"trade_classified":true,"trade_volume":0.3,"last_trade_price":585.5,` +
        `"trade_side":"sell","effective_spread":0.01,"trades":[${traded.trades}],"anomalies":[${traded.anomalies}]}`,
    );
  });

  test("[TP10] has a null for a spread that is not known", async () => {
    const tape = await write(new MemoryTapeStore(), [{ ...traded, ns: 0, effectiveSpread: null }]);
    expect(JSON.parse(await jsonOf(tape, 0))).toMatchObject({ effective_spread: null, trade_side: "sell" });
  });

  test("[TP10] has its volume in the decimals known by then, which an importer learns from the data", async () => {
    const store = new MemoryTapeStore();
    const precision = { priceDecimals: 2, sizeDecimals: 0 };
    const writer = await TapeWriter.open(store, { ...options, precision });
    await writer.append(quiet);
    precision.sizeDecimals = 1;
    await writer.append(traded);
    expect(await writer.finish()).toMatchObject({ size_decimals: 1 });
    const tape = await RecordedTape.open(store, "aapl", 1, new BlockCache(minCacheBytes));
    expect(JSON.parse(await jsonOf(tape, 1))).toMatchObject({ trade_volume: 0.3 });
    expect(tape.precision).toEqual({ priceDecimals: 2, sizeDecimals: 1 });
  });

  test("[TP12] after a marked gap says how long it was, and the tape lists the gap", async () => {
    const gapBefore = { fromNs: 5_000, reason: "sequence hole" };
    const tape = await write(new MemoryTapeStore(), [quiet, traded, { ...quiet, ns: 2_505_000, gapBefore }]);
    expect(JSON.parse(await jsonOf(tape, 2))).toMatchObject({ gap_before_ms: 2.5 });
    expect(tape.gaps).toEqual([{ afterSeq: 1, fromNs: 5_000, toNs: 2_505_000, reason: "sequence hole" }]);
    expect(tape.view().gaps).toEqual([
      { from: "2012-06-21T14:00:00.000005001Z", to: "2012-06-21T14:00:00.002505001Z", reason: "sequence hole" },
    ]);
  });

  test("[TP12] a gap begins no earlier than the frame before it, and not before the first frame", async () => {
    const gapBefore = { fromNs: 0, reason: "silence" };
    const tape = await write(new MemoryTapeStore(), [
      { ...quiet, gapBefore },
      traded,
      { ...quiet, ns: 3_000_000, gapBefore },
      { ...quiet, ns: 3_000_000, gapBefore },
    ]);
    expect(tape.gaps).toEqual([{ afterSeq: 1, fromNs: 1_000, toNs: 3_000_000, reason: "silence" }]);
  });
});

test("[TP22] a block of frames with very many trades is closed early, so that no block fills the cache", async () => {
  const store = new MemoryTapeStore();
  await writeTestTape(store, { frames: 40, tradesPerFrame: () => 1_000 });
  const tape = await RecordedTape.open(store, "test", 1, new BlockCache(minCacheBytes));
  expect(tape.index.blocks).toBeGreaterThan(4);
  for (let seq = 0; seq < 40; seq++) {
    const block = await tape.load(seq);
    expect(block.size).toBeLessThan(700 * 1024);
    expect(JSON.parse(block.json(seq))).toMatchObject({ seq });
  }
});

describe("what cannot be on a tape is refused, and nothing is kept", () => {
  const wrong: [string, FrameParts, RegExp][] = [
    ["a frame before the one before", { ...quiet, ns: 999 }, /1 ns earlier/],
    ["a time that is no whole number", { ...quiet, ns: 1_000.5 }, /not a whole number of nanoseconds/],
    ["more trades than a message takes", { ...traded, tradeCount: 1_001 }, /1001 trades/],
    ["text beyond ASCII", { ...quiet, ns: 1_000, head: '"symbol":"Ω"' }, /not ASCII/],
  ];
  test.each(wrong)("[TP11] %s", async (_, frame, reason) => {
    const store = new MemoryTapeStore();
    const writer = await TapeWriter.open(store, options);
    await writer.append(quiet);
    await writer.append(traded);
    await expect(writer.append(frame)).rejects.toThrow(reason);
    await expect(writer.append(quiet)).rejects.toThrow(TapeWriteError);
    await expect(writer.finish()).rejects.toThrow(TapeWriteError);
    expect(await store.ids()).toEqual([]);
  });

  test("[TP11] a first frame that is not at tape time 0", async () => {
    const writer = await TapeWriter.open(new MemoryTapeStore(), options);
    await expect(writer.append(traded)).rejects.toThrow("Frame 0 of tape aapl is the first one, and must be at 0 ns");
  });

  test("[TP6] a tape without a frame", async () => {
    const store = new MemoryTapeStore();
    const writer = await TapeWriter.open(store, options);
    await expect(writer.finish()).rejects.toThrow("Tape aapl has no frame; nothing was written.");
    expect(await store.ids()).toEqual([]);
  });

  test("[TP6] an id that is no file name", async () => {
    await expect(TapeWriter.open(new MemoryTapeStore(), { ...options, id: "../aapl" })).rejects.toThrow(RangeError);
  });
});

describe("a write that does not come to its end", () => {
  test.each([5_000, 40_000])(
    "[TP5] a disk full after %i bytes stops with one error, what was there stays",
    async (room) => {
      const small = new MemoryTapeStore();
      await writeTestTape(small, { id: "aapl", frames: 20 });
      const taken = await bytesOf(small, "aapl", 1);
      const store = new MemoryTapeStore({ capacity: taken + room });
      await writeTestTape(store, { id: "aapl", frames: 20 });

      const error = await writeTestTape(store, { id: "aapl", frames: 1_000 }).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(TapeWriteError);
      expect(String(error)).toContain(
        "Cannot write tape aapl@2: the disk is full. Nothing of this version was kept; earlier versions are unchanged.",
      );
      expect(await store.versions("aapl")).toEqual([1]);
      await writeTestTape(store, { id: "aapl", frames: 2 }); // there is room again
    },
  );

  test("[TP5] an aborted one leaves no file, and aborting a finished one does nothing", async () => {
    const folder = await mkdtemp(join(tmpdir(), "tapedeck-writer-"));
    try {
      const store = new FolderTapeStore(folder);
      const writer = await TapeWriter.open(store, options);
      for (let n = 0; n < 10; n++) await writer.append({ ...quiet, ns: n });
      await writer.abort();
      await writer.abort();
      expect(await readdir(folder)).toEqual([]);

      const second = await TapeWriter.open(store, options);
      await second.append(quiet);
      await second.finish();
      await second.abort();
      expect(await store.versions("aapl")).toEqual([1]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe("a tape of parts of others", () => {
  const gapAfter = [{ seq: 40, ms: 7_000 }];
  const shape = { frames: 300, framesPerBlock: 16, gapAfter };

  async function written(): Promise<{ store: MemoryTapeStore; tape: RecordedTape; blocks: CompressedBlock[] }> {
    const store = new MemoryTapeStore();
    await writeTestTape(store, shape);
    const tape = await RecordedTape.open(store, "test", 1, new BlockCache(minCacheBytes));
    const blocks: CompressedBlock[] = [];
    for await (const block of tape.compressedBlocks()) blocks.push(block);
    return { store, tape, blocks };
  }

  function like(tape: RecordedTape, id: string, firstSeq: number): TapeWriterOptions {
    const { symbol, source, startNs, decimals, precision } = tape;
    return { id, symbol, source, startNs, decimals, precision, intervalMs: 100, createdMs: testTapeStartMs, firstSeq };
  }

  test("[TP9] made of all blocks of a tape is the same tape, byte for byte", async () => {
    const { store, tape, blocks } = await written();
    const writer = await TapeWriter.open(store, like(tape, "copy", 0));
    for (const block of blocks) await writer.appendBlock(block);
    const { id: _, ...manifest } = await writer.finish();
    const { id: __, ...expected } = tape.manifest;
    expect(manifest).toEqual(expected);
    for (const file of ["index.bin", "blocks.bin", "events.bin", "overview.bin"]) {
      expect((await store.read("copy", 1, file)).equals(await store.read("test", 1, file))).toBe(true);
    }
  });

  test("[TP9] begins where its first block does, with its seqs and times", async () => {
    const { store, tape, blocks } = await written();
    const kept = blocks.slice(5);
    const first = kept[0]?.firstSeq ?? expect.fail();
    const writer = await TapeWriter.open(store, like(tape, "end", first));
    for (const block of kept) await writer.appendBlock(block);
    await writer.finish();
    const end = await RecordedTape.open(store, "end", 1, new BlockCache(minCacheBytes));
    const firstNs = await tape.nsOf(first);
    expect(end.span).toEqual({ firstSeq: first, lastSeq: 299, firstNs, lastNs: tape.span.lastNs, growing: false });
    expect(end.manifest).toMatchObject({ format_version: 2, first_seq: first, first_ns: firstNs, frames: 300 - first });
    expect(end.view()).toMatchObject({ from: tape.iso(firstNs), to: tape.iso(tape.span.lastNs), frames: 300 - first });
    expect(end.view().duration_ms).toBe((tape.span.lastNs - firstNs) / 1e6);
    for (const seq of [first, 200, 299]) expect(await jsonOf(end, seq)).toBe(await jsonOf(tape, seq));
    await expect(end.load(first - 1)).rejects.toThrow(`has frames ${first} to 299`);
    expect(await end.seqAt(0)).toBe(first);
    expect(await end.findEvent(first, "next")).toEqual(await tape.findEvent(first, "next"));
  });

  test("[TP9] takes frames after blocks, and blocks after frames", async () => {
    const { store, tape, blocks } = await written();
    const writer = await TapeWriter.open(store, { ...like(tape, "mixed", 0), framesPerBlock: 16 });
    const frames = [...testFrames(shape)];
    for (const frame of frames.slice(0, 32)) await writer.append(frame);
    for (const block of blocks.slice(2, 10)) await writer.appendBlock(block);
    for (const frame of frames.slice(160)) await writer.append(frame);
    await writer.finish();
    for (const file of ["index.bin", "blocks.bin", "events.bin", "overview.bin"]) {
      expect((await store.read("mixed", 1, file)).equals(await store.read("test", 1, file))).toBe(true);
    }
  });

  test("[TP11] takes no block out of its place", async () => {
    const { store, tape, blocks } = await written();
    const wrong = [[1], [0, 2], [0, 0]];
    for (const order of wrong) {
      const writer = await TapeWriter.open(store, like(tape, "wrong", 0));
      const writing = (async () => {
        for (const at of order) await writer.appendBlock(blocks[at] ?? expect.fail());
      })();
      await expect(writing).rejects.toThrow(/^Frame \d+ of tape wrong comes in place of frame \d+/);
    }
    const early = { ...(blocks[1] ?? expect.fail()), firstNs: 5 };
    const writer = await TapeWriter.open(store, like(tape, "wrong", 0));
    await writer.appendBlock(blocks[0] ?? expect.fail());
    await expect(writer.appendBlock(early)).rejects.toThrow("earlier than the one before it");
    expect(await store.versions("wrong")).toEqual([]);
  });
});

async function bytesOf(store: TapeStore, id: string, version: number): Promise<number> {
  const names = ["manifest.json", "index.bin", "blocks.bin", "events.bin", "overview.bin"];
  const read = await Promise.all(names.map((name) => store.read(id, version, name)));
  return read.reduce((sum, bytes) => sum + bytes.length, 0);
}
