import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { OrderBook } from "@tapedeck/market";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { MemoryTapeStore } from "../store/memory-store.js";
import { importRecording } from "./import-recording.js";
import {
  eventsOf,
  framesOf,
  type Imported,
  importToMemory,
  recording,
  recordingsAbsent,
  tapeOf,
} from "./test-recordings.js";

// Edits a clean recording: the report must say what was changed.

let folder = "";
let lines: string[] = [];
let original: string[] = [];

const source = recording("binance-raw/usdm_btcusdt_20240718.gz");

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "tapedeck-import-"));
  if (recordingsAbsent) return;
  lines = gunzipSync(await readFile(source[0] ?? ""))
    .toString()
    .trimEnd()
    .split("\n");
  original = await texts(await importToMemory(source));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

let files = 0;

async function edited(edit: (lines: string[]) => void, name = `edited-${++files}.txt`): Promise<string> {
  const copy = [...lines];
  edit(copy);
  const path = join(folder, name);
  await writeFile(path, `${copy.join("\n")}\n`);
  return path;
}

async function texts(imported: Imported): Promise<string[]> {
  const frames: string[] = [];
  for await (const text of framesOf(imported, tapeOf(imported))) frames.push(text);
  return frames;
}

/** Place of the n-th line that holds `words`, from `from` on. */
function find(words: string, from = 3_000): number {
  return lines.findIndex((line, at) => at >= from && line.includes(words));
}
const depth = "@depth@";
const trade = '"e":"trade"';

/** A frame without its seq and without analytics, which depend on earlier frames. */
const itself = (text: string) =>
  text.replace(/"seq":\d+,/, "").replace(/,"obi":.*(?=,"trade_classified")|"anomalies":.*/g, "");

describe.skipIf(recordingsAbsent)("edited copies", () => {
  test("[IM3] neither compression nor file names matter", async () => {
    const path = join(folder, "anything.csv");
    await writeFile(path, gzipSync(`${lines.join("\r\n")}\r\n`));
    expect(await texts(await importToMemory([path]))).toEqual(original);
  });

  test("[IM3] several files are one recording in time, in whatever order they are named", async () => {
    const half = Math.floor(lines.length / 2);
    const first = await edited((copy) => copy.splice(half), "b.txt");
    const second = await edited((copy) => copy.splice(0, half), "a.txt");
    expect(await texts(await importToMemory([second, first]))).toEqual(original);
  });

  test("[IM3] files of the same time are merged", async () => {
    const tradesOnly = await edited((copy) => copy.splice(0, copy.length, ...lines.filter((l) => l.includes(trade))));
    const rest = await edited((copy) => copy.splice(0, copy.length, ...lines.filter((l) => !l.includes(trade))));
    expect(await texts(await importToMemory([tradesOnly, rest]))).toEqual(original);
  });

  test("[IM7] two diffs in the wrong order are reordered and counted, and no frame changes", async () => {
    const a = find(depth);
    const b = find(depth, a + 1);
    const path = await edited((copy) => {
      [copy[a], copy[b]] = [copy[b] ?? "", copy[a] ?? ""];
    });
    const imported = await importToMemory([path]);
    expect(tapeOf(imported)).toMatchObject({ outOfOrder: { book: 1, trades: 0 }, duplicates: 0, gaps: [] });
    expect(tapeOf(imported).book.sequenceBreaks).toBe(0);
    expect(await texts(imported)).toEqual(original);
  });

  test("[IM7] two trades in the wrong order are reordered and counted, and no frame changes", async () => {
    const a = find(trade);
    const b = find(trade, a + 1);
    const path = await edited((copy) => {
      [copy[a], copy[b]] = [copy[b] ?? "", copy[a] ?? ""];
    });
    const imported = await importToMemory([path]);
    expect(tapeOf(imported)).toMatchObject({ outOfOrder: { book: 0, trades: 1 }, missingTrades: 0, gaps: [] });
    expect(await texts(imported)).toEqual(original);
  });

  test.each([
    ["a diff", depth],
    ["a trade", trade],
  ])("[IM8] %s that is repeated is left out and counted", async (_, words) => {
    for (const distance of [1, 40]) {
      const path = await edited((copy) => copy.splice(find(words) + distance, 0, copy[find(words)] ?? ""));
      const imported = await importToMemory([path]);
      expect(tapeOf(imported)).toMatchObject({ duplicates: 1, gaps: [], missingTrades: 0 });
      expect(await texts(imported)).toEqual(original);
    }
  });

  test("[IM6] a missing diff is a sequence break and a marked gap, and the book continues from the diffs", async () => {
    const at = find(depth);
    const missing = JSON.parse((lines[at] ?? "").slice(20)).data.T;
    const imported = await importToMemory([await edited((copy) => copy.splice(at, 1))]);
    const { book, gaps, trades } = tapeOf(imported);
    expect(book).toMatchObject({ sequenceBreaks: 1, diffsApplied: 3_320 });
    expect(gaps).toHaveLength(1);
    expect(gaps[0]?.reason).toBe("book updates are missing");
    expect(Date.parse(gaps[0]?.from ?? "")).toBeLessThan(missing);
    expect(Date.parse(gaps[0]?.to ?? "")).toBeGreaterThan(missing);
    expect(trades).toBe(974);
    const frames = await texts(imported);
    expect(frames.filter((text) => text.includes('"gap_before_ms":'))).toHaveLength(1);
    const before = frames.findIndex((text) => text.includes('"gap_before_ms":'));
    expect(frames.slice(0, before - 1)).toEqual(original.slice(0, before - 1));
  });

  test("[IM6] a snapshot after a missing diff repairs the book: no frame shows the broken book, and no trade is lost", async () => {
    const at = find(depth);
    const mendedAt = find(depth, at + 600);
    const truth = new OrderBook();
    let lastId = 0;
    const stop = JSON.parse((lines[mendedAt] ?? "").slice(20)).data.u;
    for await (const event of eventsOf(source)) {
      if (event.kind === "snapshot") truth.replace(event.bids, event.asks);
      if (event.kind === "diff" && event.ids) {
        truth.apply(event.bids, event.asks);
        lastId = event.ids.last;
        if (lastId >= stop) break;
      }
    }
    const levels = (side: OrderBook["bids"]) => side.top(100_000).map((level) => level.map(String));
    const snapshot = { lastUpdateId: lastId, bids: levels(truth.bids), asks: levels(truth.asks) };
    const path = await edited((copy) => {
      copy.splice(mendedAt + 30, 0, `${(copy[mendedAt + 30] ?? "").slice(0, 19)} ${JSON.stringify(snapshot)}`);
      copy.splice(at, 1);
    });
    const imported = await importToMemory([path]);
    const tape = tapeOf(imported);
    expect(tape.book).toMatchObject({ sequenceBreaks: 1, snapshotsUsed: 2 });
    expect(tape.gaps.map(({ reason }) => reason)).toEqual(["book updates are missing; a new snapshot mended it"]);
    expect(tape.trades).toBe(974);
    const frames = await texts(imported);
    const after = frames.findIndex((text) => text.includes('"gap_before_ms":'));
    expect(frames.length).toBeLessThan(original.length);
    // From a little after the gap on, every frame is as if nothing had been lost.
    const rest = frames.slice(after + 3).map(itself);
    expect(rest).toEqual(original.slice(original.length - rest.length).map(itself));
  });

  test("[IM23] a missing trade is counted and a marked gap", async () => {
    const imported = await importToMemory([await edited((copy) => copy.splice(find(trade), 1))]);
    expect(tapeOf(imported)).toMatchObject({ trades: 973, missingTrades: 1 });
    expect(tapeOf(imported).gaps.map(({ reason }) => reason)).toEqual(["trades are missing"]);
  });

  test("[IM9] a silence of all streams is one marked gap together with the updates missed in it", async () => {
    const at = 4_000;
    const from = Number(lines[at]?.slice(0, 13));
    const until = lines.findIndex((line, n) => n > at && Number(line.slice(0, 13)) - from > 8_000);
    const imported = await importToMemory([await edited((copy) => copy.splice(at, until - at))]);
    const { gaps, book, missingTrades } = tapeOf(imported);
    expect(book.sequenceBreaks).toBe(1);
    expect(gaps).toHaveLength(1);
    expect(gaps[0]?.ms).toBeGreaterThan(7_500);
    expect(gaps[0]?.reason).toBe("the recording was silent; book updates are missing");
    expect(missingTrades).toBeGreaterThan(10);
  });

  test("[IM9] the length of a silence is an option", async () => {
    const { report } = await importToMemory(source, { silenceMs: 400 });
    const gaps = tapeOf({ report }).gaps.filter(({ reason }) => reason === "the recording was silent");
    expect(gaps.every(({ ms }) => ms >= 400)).toBe(true);
  });

  test("[IM12] a crossed book is counted and the stale side's levels are removed", async () => {
    const at = find(depth);
    const path = await edited((copy) => {
      copy[at] = (copy[at] ?? "").replace('"b":[', '"b":[["69000.00","1.000"],');
    });
    const { book } = tapeOf(await importToMemory([path]));
    expect(book.crossed).toBeGreaterThanOrEqual(1);
    expect(book.levelsUncrossed).toBeGreaterThanOrEqual(1);
  });

  test("[IM15] a broken line is reported with file, line and reason, and the import continues", async () => {
    const at = lines.findIndex((line, n) => n > 3_000 && line.includes("@bookTicker"));
    const path = await edited((copy) => {
      copy[at] = (copy[at] ?? "").slice(0, 90);
      copy.splice(5, 0, "garbage");
    });
    const imported = await importToMemory([path]);
    expect(imported.report.brokenLines.count).toBe(2);
    expect(imported.report.brokenLines.first).toEqual([
      {
        file: path,
        line: 6,
        reason: 'a line must be a receive time, a space and a message, not "garbage"',
      },
      { file: path, line: at + 2, reason: expect.stringMatching(/^not JSON: /) },
    ]);
    expect(await texts(imported)).toEqual(original);
  });

  test("[IM15] --strict stops at the first broken line and keeps nothing", async () => {
    const path = await edited((copy) => copy.splice(9_000, 0, "1721347030984480942 {}"));
    const store = new MemoryTapeStore();
    await expect(importRecording([path], { strict: true }, { store })).rejects.toThrow(
      `${path}, line 9001: not a Binance message: {}. Nothing was imported.`,
    );
    expect(await store.ids()).toEqual([]);
  });

  test("[IM30] a truncated compressed file is imported as far as it can be read with --keep-partial", async () => {
    const whole = await readFile(source[0] ?? "");
    const path = join(folder, "cut.gz");
    await writeFile(path, whole.subarray(0, Math.floor(whole.length / 2)));
    const imported = await importToMemory([path], { keepPartial: true });
    expect(imported.report.cutShort).toMatchObject([{ file: path, reason: "the gzip data ends in the middle" }]);
    const frames = await texts(imported);
    expect(frames.length).toBeGreaterThan(500);
    expect(frames.slice(0, -1)).toEqual(original.slice(0, frames.length - 1));
  });

  test("[IM20] an import that is stopped leaves nothing behind", async () => {
    const store = new MemoryTapeStore();
    const ending = new AbortController();
    const onProgress = ({ frames }: { frames: number }) => {
      if (frames > 100) ending.abort();
    };
    await expect(importRecording(source, {}, { store, signal: ending.signal, onProgress })).rejects.toThrow(/abort/i);
    expect(await store.ids()).toEqual([]);
  });

  test("[IM21] importing again makes a new version of the same tape", async () => {
    const store = new MemoryTapeStore();
    const first = await importRecording(source, {}, { store });
    const second = await importRecording(source, { intervalMs: 1000 }, { store });
    expect(tapeOf({ report: first }).tape).toBe("btcusdt-binance-futures-20240718@1");
    expect(tapeOf({ report: second }).tape).toBe("btcusdt-binance-futures-20240718@2");
    expect(second.frames).toBeLessThan(200);
  });

  test("[IM20] progress grows to the whole", async () => {
    const seen: number[] = [];
    const onProgress = ({ bytes, totalBytes }: { bytes: number; totalBytes: number }) => seen.push(bytes / totalBytes);
    await importRecording(source, {}, { store: new MemoryTapeStore(), onProgress });
    expect([...seen].sort((a, b) => a - b)).toEqual(seen);
    expect(seen.at(-1)).toBe(1);
  });
});
