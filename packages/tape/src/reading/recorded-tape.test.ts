import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DamagedBlock, DamagedTape, TapeNotFound, UnknownTapeFormat } from "../errors.js";
import { RecordedBlock } from "../format/block.js";
import { tableBytes } from "../format/block-columns.js";
import { crc32, crc32ByTable } from "../format/checksum.js";
import { files } from "../format/manifest.js";
import { interceptReads, MemoryTapeStore, type TestTapeOptions, writeTestTape } from "../testing.js";
import { BlockCache, minCacheBytes } from "./block-cache.js";
import { RecordedTape } from "./recorded-tape.js";

async function openTestTape(options: TestTapeOptions = {}, cache = new BlockCache(minCacheBytes)) {
  const store = new MemoryTapeStore();
  await writeTestTape(store, options);
  return RecordedTape.open(store, options.id ?? "test", 1, cache);
}

describe("looking up", () => {
  test("[TP20] each frame is found by its seq, in whichever block, with the time it was written with", async () => {
    const tape = await openTestTape({ frames: 131, framesPerBlock: 16 });
    expect(tape.span).toEqual({ firstSeq: 0, lastSeq: 130, firstNs: 0, lastNs: 13e9, growing: false });
    for (let seq = 0; seq <= 130; seq++) {
      expect(JSON.parse((await tape.load(seq)).json(seq))).toMatchObject({ seq, timestamp: tape.iso(seq * 1e8) });
      expect(await tape.nsOf(seq)).toBe(seq * 1e8);
    }
    await expect(tape.load(131)).rejects.toThrow(RangeError);
    await expect(tape.load(-1)).rejects.toThrow(RangeError);
  });

  test("[TP20] a time finds the last frame at or before it, or the first frame", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 40 }),
        fc.integer({ min: 1, max: 9 }),
        async (steps, framesPerBlock) => {
          const tape = await openTestTape({
            frames: steps.length,
            framesPerBlock,
            stepNs: (seq) => steps[seq] ?? 0,
          });
          const times = await Promise.all(steps.map((_, seq) => tape.nsOf(seq)));
          for (let ns = -1; ns <= tape.span.lastNs + 1; ns++) {
            const expected = Math.max(
              0,
              times.findLastIndex((time) => time <= ns),
            );
            expect(await tape.seqAt(ns)).toBe(expected);
          }
        },
      ),
      { numRuns: 50 },
    );
  });

  test("[TP21] the nearest event after or before a frame, of a type and a severity", async () => {
    const tape = await openTestTape({ frames: 1_000, anomalyAt: (seq) => [70, 71, 500].includes(seq) });
    const seqOf = async (...asked: Parameters<RecordedTape["findEvent"]>) => (await tape.findEvent(...asked))?.seq;
    expect(await seqOf(0, "next")).toBe(70);
    expect(await seqOf(70, "next")).toBe(71);
    expect(await seqOf(71, "next")).toBe(500);
    expect(await seqOf(500, "next")).toBeUndefined();
    expect(await seqOf(999, "previous")).toBe(500);
    expect(await seqOf(500, "previous")).toBe(71);
    expect(await seqOf(70, "previous")).toBeUndefined();
    expect(await seqOf(0, "next", { type: "SPOOFING", minSeverity: "high" })).toBe(70);
    expect(await seqOf(0, "next", { minSeverity: "critical" })).toBeUndefined();
    expect(await seqOf(0, "next", { type: "LAYERING" })).toBeUndefined();
    expect(await tape.findEvent(0, "next")).toEqual({ seq: 70, ns: 7e9, type: "SPOOFING", severity: "high" });
  });
});

test("[A97] a search reads thousands of events at a time, both ways, and ends when its signal aborts", async () => {
  const store = new MemoryTapeStore();
  await writeTestTape(store, { frames: 10_000, anomalyAt: () => true });
  let reads = 0;
  let onRead = (): void => undefined;
  const counting = interceptReads(store, (file, _, bytes) => {
    if (file === files.events) {
      reads++;
      onRead();
    }
    return bytes;
  });
  const tape = await RecordedTape.open(counting, "test", 1, new BlockCache(minCacheBytes));
  for (const [from, direction] of [
    [0, "next"],
    [9_999, "previous"],
  ] as const) {
    reads = 0;
    expect(await tape.findEvent(from, direction, { minSeverity: "critical" })).toBeUndefined();
    expect(reads).toBe(Math.ceil(10_000 / 2_048));
  }
  for (const seq of [0, 63, 64, 5_000, 9_998]) {
    expect((await tape.findEvent(seq, "next"))?.seq).toBe(seq + 1);
    expect((await tape.findEvent(seq + 1, "previous"))?.seq).toBe(seq);
  }
  reads = 0;
  const gone = new AbortController();
  onRead = () => gone.abort(new Error("left"));
  await expect(tape.findEvent(0, "next", { minSeverity: "critical" }, gone.signal)).rejects.toThrow("left");
  expect(reads).toBe(1);
});

describe("the cache", () => {
  test("[TP22] concurrent readers of a block share one read", async () => {
    const store = new MemoryTapeStore();
    await writeTestTape(store);
    let reads = 0;
    const counting = interceptReads(store, (file, _, bytes) => {
      if (file === files.blocks) reads++;
      return bytes;
    });
    const tape = await RecordedTape.open(counting, "test", 1, new BlockCache(minCacheBytes));
    const blocks = await Promise.all([0, 1, 63, 64, 0].map((seq) => tape.load(seq)));
    expect(reads).toBe(2);
    expect(blocks[0]).toBe(blocks[2]);
    expect(tape.block(5)).toBe(blocks[0]);
    expect(tape.block(200)).toBeUndefined();
  });

  test("[TP22] stays within its bytes, and evicts the least recently used block", async () => {
    const cache = new BlockCache(minCacheBytes);
    const tape = await openTestTape({ frames: 15_000 }, cache);
    for (let seq = 0; seq < 15_000; seq += 64) {
      await tape.load(seq);
      tape.block(0);
      expect(cache.bytes).toBeLessThanOrEqual(minCacheBytes);
    }
    expect(cache.bytes).toBeGreaterThan(minCacheBytes * 0.9);
    expect(tape.block(0)).toBeDefined();
    expect(tape.block(64)).toBeUndefined();
    expect(tape.block(14_999)).toBeDefined();
  });

  test("[TP22] blocks of several tapes don't mix", async () => {
    const cache = new BlockCache(minCacheBytes);
    const tapes = await Promise.all(["one", "two"].map((id) => openTestTape({ id, symbol: id }, cache)));
    for (const tape of tapes) await tape.load(0);
    expect(tapes.map((tape) => JSON.parse(tape.block(0)?.json(0) ?? "{}").symbol)).toEqual(["one", "two"]);
  });
});

describe("damage", () => {
  test("[TP23] the error names a damaged block; other blocks and later reads are not affected", async () => {
    const store = new MemoryTapeStore();
    await writeTestTape(store);
    let damage = (bytes: Buffer) => bytes;
    const tape = await RecordedTape.open(
      interceptReads(store, (file, offset, bytes) => (file === files.blocks && offset > 0 ? damage(bytes) : bytes)),
      "test",
      1,
      new BlockCache(minCacheBytes),
    );
    damage = (bytes) => bytes.fill(0, 10, 20);
    const error = await tape.load(70).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(DamagedBlock);
    expect(error).toMatchObject({ tape: "test@1", block: 1, code: "TAPE_DAMAGED" });
    expect(String(error)).toContain(
      "Tape test@1 is damaged: block 1 (frames 64 to 127) does not have the checksum it was written with.",
    );
    damage = (bytes) => bytes.subarray(0, 10);
    await expect(tape.load(70)).rejects.toThrow("block 1 (frames 64 to 127) is cut off");
    expect((await tape.load(0)).lastSeq).toBe(63);
    // The index knows its extent, so playback can go on behind it.
    expect(await Promise.all([64, 127].map((seq) => tape.nsOf(seq)))).toEqual([6.4e9, 12.7e9]);
    expect(await Promise.all([6.4e9, 10e9, 12.6e9, 12.7e9].map((ns) => tape.seqAt(ns)))).toEqual([63, 63, 63, 127]);
    await expect(tape.nsOf(70)).rejects.toThrow(DamagedBlock);
    damage = (bytes) => bytes;
    expect((await tape.load(70)).firstSeq).toBe(64);
  });

  test("[TP23] a block with text that is not ASCII is damaged: a frame's characters would not be its bytes", () => {
    const bytes = Buffer.alloc(tableBytes(1) + 2, "{}");
    bytes.fill(0, 0, tableBytes(1));
    bytes.writeUInt32LE(1, 0);
    bytes.writeUInt32LE(tableBytes(1), 4);
    expect(new RecordedBlock(0, 1, bytes).json(0)).toBe("{}");
    bytes[bytes.length - 1] = 0xe9;
    expect(() => new RecordedBlock(0, 1, bytes)).toThrow("its text is not ASCII");
  });

  test("[TP23] blocks of a missing file are damaged", async () => {
    const store = new MemoryTapeStore();
    await writeTestTape(store);
    const tape = await RecordedTape.open(store, "test", 1, new BlockCache(minCacheBytes));
    await store.delete("test", 1);
    await expect(tape.load(0)).rejects.toThrow(DamagedBlock);
  });

  test.each([files.index, files.manifest])("[TP24] a tape with a damaged %s is not opened", async (damaged) => {
    const store = new MemoryTapeStore();
    await writeTestTape(store);
    const open = (change: (bytes: Buffer) => Buffer) =>
      RecordedTape.open(
        interceptReads(store, (file, _, bytes) => (file === damaged ? change(bytes) : bytes)),
        "test",
        1,
        new BlockCache(minCacheBytes),
      );
    await expect(open((bytes) => bytes.fill(0x20, 40, 60))).rejects.toThrow(DamagedTape);
    await expect(open((bytes) => bytes.subarray(0, 100))).rejects.toThrow(DamagedTape);
  });

  test("[TP25] the refusal of an unknown format names the tape and the format", async () => {
    const store = new MemoryTapeStore();
    await writeTestTape(store);
    const newer = interceptReads(store, (file, _, bytes) =>
      file === files.manifest
        ? Buffer.from(String(bytes).replace('"format_version": 1', '"format_version": 3'))
        : bytes,
    );
    const opening = RecordedTape.open(newer, "test", 1, new BlockCache(minCacheBytes));
    await expect(opening).rejects.toThrow(UnknownTapeFormat);
    await expect(opening).rejects.toThrow("Tape test@1 has format 3, and this release reads 1 and 2.");
  });

  test("[TP24] a version that does not exist is TapeNotFound", async () => {
    const opening = RecordedTape.open(new MemoryTapeStore(), "test", 1, new BlockCache(minCacheBytes));
    await expect(opening).rejects.toThrow(TapeNotFound);
  });
});

test("[TP23] the checksum is the same without zlib's help, and can be continued", () => {
  const check = Buffer.from("123456789");
  expect(crc32ByTable(check)).toBe(0xcbf43926);
  expect(crc32(check)).toBe(0xcbf43926);
  for (const sum of [crc32, crc32ByTable]) {
    expect(sum(check.subarray(4), sum(check.subarray(0, 4)))).toBe(0xcbf43926);
  }
});
