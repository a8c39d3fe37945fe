import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { MemoryTapeStore } from "../../store/memory-store.js";
import { importRecording } from "../import-recording.js";
import { reportLines } from "../import-report.js";
import { framesOf, importToMemory, tapeOf } from "../test-recordings.js";
import { binanceLines, csvLines, TestFolder, textOf, zipOf, zstdOf } from "./testing.js";

const folder = new TestFolder();
beforeAll(() => folder.make());
afterAll(() => folder.remove());

const lines = binanceLines(4_000, { received: true });
const whole = textOf(lines);
const packed = gzipSync(whole);
/** A member may end anywhere, even within a line. */
const [first, second] = [whole.slice(0, 150_000), whole.slice(150_000)].map((text) => gzipSync(text));
const members = Buffer.concat([first ?? packed, second ?? packed]);

function damaged(bytes: Uint8Array, at: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ 0x55;
  return copy;
}

/** A file and the reason in its refusal. */
const cuts: readonly [what: string, content: string | Uint8Array, reason: RegExp][] = [
  ["a gzip that ends in the middle", packed.subarray(0, packed.length / 2), /the gzip data ends in the middle/],
  ["a gzip without its trailer", packed.subarray(0, -8), /the gzip data ends in the middle/],
  ["a gzip with half its trailer", packed.subarray(0, -3), /the gzip data ends in the middle/],
  ["a gzip whose checksum is wrong", damaged(packed, packed.length - 6), /the gzip data is damaged/],
  ["garbage after a gzip", Buffer.concat([packed, Buffer.from("garbage")]), /the gzip data is damaged/],
  ["garbage after a gzip's zero padding", Buffer.concat([packed, Buffer.alloc(512), packed]), /other data/],
  ["two gzip members, one truncated", members.subarray(0, -20), /the gzip data ends in the middle/],
  [
    "two gzip members and the beginning of a third",
    Buffer.concat([members, packed.subarray(0, 5)]),
    /ends in the middle/,
  ],
  ["a zstd that ends in the middle", zstdOf(whole).subarray(0, 200_000), /the zstd data ends in the middle/],
  [
    "a zstd without its checksum",
    zstdOf(whole, { checksum: true }).subarray(0, -4),
    /the zstd data ends in the middle/,
  ],
  ["garbage after a zstd", Buffer.concat([zstdOf(whole), Buffer.from("garbage")]), /other data follows the zstd/],
  ["a damaged file in a zip", damaged(zipOf({ "a.txt": whole }), 20_000), /damaged|checksum/],
  ["a truncated last line of JSON", whole.slice(0, -30), /line 4000, its last, ends in the middle \(not JSON/],
  [
    "a truncated last row of a CSV",
    textOf(csvLines(50)).slice(0, -5),
    /line 51, its last, ends in the middle \(4 values/,
  ],
  ["an unclosed JSON array", `[${binanceLines(50).join(",\n")}`, /the JSON array is not closed/],
  ["data after a JSON array", `[${binanceLines(50).join()}] and more`, /other data follows the JSON/],
];

describe("a truncated or damaged file", () => {
  test.each(cuts)("[IM30] %s makes no tape and leaves the earlier version current", async (_, content, reason) => {
    const store = new MemoryTapeStore();
    const good = await folder.file(packed);
    await importRecording([good], { id: "mine" }, { store });
    const path = await folder.file(content);
    const again = importRecording([path], { id: "mine", symbol: "BTCUSDT" }, { store });
    await expect(again).rejects.toThrow(reason);
    await expect(again).rejects.toThrow(path);
    await expect(again).rejects.toThrow(
      /^\S+ cannot be read to its end: after .*\. Nothing was imported; --keep-partial/,
    );
    expect(await store.current("mine")).toBe(1);
  });

  test.each(cuts)("[IM30] %s makes a partial tape with --keep-partial", async (_, content, reason) => {
    const path = await folder.file(content);
    const { report } = await importToMemory([path], { symbol: "BTCUSDT", keepPartial: true });
    expect(report.cutShort).toHaveLength(1);
    expect(report.cutShort[0]?.reason).toMatch(reason);
    expect(report.frames).toBeGreaterThan(20);
    expect(reportLines(report).join("\n")).toMatch(/^PARTIAL: .* was read up to line \d/m);
    expect(reportLines(report).join("\n")).toMatch(/^btcusdt-\S+@1 .* s\), partial$/m);
  });

  test("[IM30] the refusal says how far the file was read", async () => {
    const path = await folder.file(whole.slice(0, -30), "far.txt");
    await expect(importToMemory([path])).rejects.toThrow(
      /after line 3999, received at 2024-08-09T00:00:39.800Z, line 4000/,
    );
  });

  test("[IM30] a complete last line without a line break, and a gzip's zero padding, are accepted", async () => {
    for (const content of [
      whole.trimEnd(),
      Buffer.concat([packed, Buffer.alloc(1_000)]),
      members,
      Buffer.concat([zstdOf(whole.slice(0, 150_000)), zstdOf(whole.slice(150_000), { checksum: true })]),
    ]) {
      const { report } = await importToMemory([await folder.file(content)]);
      expect(report).toMatchObject({ cutShort: [], lines: 4_000 });
    }
  });

  test("[IM30] a truncated file gives the same frames as the whole file up to the cut", async () => {
    const texts = async (content: string | Uint8Array) => {
      const imported = await importToMemory([await folder.file(content)], { keepPartial: true });
      const all: string[] = [];
      for await (const text of framesOf(imported, tapeOf(imported))) all.push(text);
      return all;
    };
    const all = await texts(packed);
    const some = await texts(packed.subarray(0, packed.length / 2));
    expect(some.length).toBeGreaterThan(500);
    expect(some.slice(0, -1)).toEqual(all.slice(0, some.length - 1));
  });

  test("[IM30] a file without a complete line and a zip without its end are refused by name", async () => {
    await expect(importToMemory([await folder.file(packed.subarray(0, 12), "tiny.gz")])).rejects.toThrow(
      /tiny.gz cannot be read: the gzip data ends in the middle/,
    );
    const zip = zipOf({ "a.txt": whole });
    await expect(importToMemory([await folder.file(zip.subarray(0, -40), "cut.zip")])).rejects.toThrow(
      /cut.zip is a zip that is cut short or damaged/,
    );
  });

  test("[IM30] --strict refuses a truncated file even with --keep-partial", async () => {
    const path = await folder.file(packed.subarray(0, packed.length / 2));
    await expect(importToMemory([path], { strict: true, keepPartial: true })).rejects.toThrow(/ends in the middle/);
  });
});
