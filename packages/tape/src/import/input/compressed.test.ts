import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { reportLines } from "../import-report.js";
import { framesOf, importToMemory, tapeOf } from "../test-recordings.js";
import { binanceLines, csvLines, TestFolder, textOf, zipOf, zstdOf } from "./testing.js";

const folder = new TestFolder();
beforeAll(() => folder.make());
afterAll(() => folder.remove());

async function texts(content: string | Uint8Array, name?: string): Promise<string[]> {
  const imported = await importToMemory([await folder.file(content, name)], { symbol: "BTCUSDT" });
  const all: string[] = [];
  for await (const text of framesOf(imported, tapeOf(imported))) all.push(text);
  return all;
}

const lines = binanceLines(400, { received: true });
const whole = textOf(lines);
/** 60 rows of `csvLines`, compressed by zstd -19 into one block with its checksum. */
const realZstd = Buffer.from(
  "KLUv/QRoBQcAsg8kFKBbG1h1W9n5h6r37u5NO6H/VcUDAAdId2dmVUVEM/NfRGy35XDOuTszqyoimpn/ImK7Lc+fvzszqyoimpn/ImK7LYVyyt2ZWVUR0cz8FxHbbWn69N2ZWVUR0cz8FxHbbVn27N2ZWVUR0cz8FxHbrQNlAw2QDZDkXaq4CmgTjcED0ajgUEAwFgIDghA4KBCOgLaoIeBdv+bgGQ4QGDQoKjzV7kSutwO6T/XUlzT11xJ4qqe+pKm/lsBTPfUlTf21BJ7qqS9p6q8l8FRPfUlTo7ndquZWStNQS8qrVAMrtpPv",
  "base64",
);

describe("compressed files", () => {
  test("[IM31] a zip, a zstd and a gzip in a zip give the frames of their content, whatever their names", async () => {
    const plain = await texts(whole);
    expect(plain.length).toBeGreaterThan(100);
    expect(await texts(zipOf({ "deep/inside/it.txt": whole }), "a.csv")).toEqual(plain);
    expect(await texts(zstdOf(whole), "b.zip")).toEqual(plain);
    expect(await texts(zipOf({ "it.gz": gzipSync(whole) }))).toEqual(plain);
    expect(await texts(zipOf({ "it.zst": zstdOf(whole) }))).toEqual(plain);
  });

  test("[IM31] zstd data is read, with skippable frames and several frames", async () => {
    const plain = await texts(textOf(csvLines(60)));
    expect(await texts(realZstd)).toEqual(plain);
    const skippable = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);
    expect(await texts(Buffer.concat([skippable, realZstd, skippable]))).toEqual(plain);
    const text = textOf(csvLines(60));
    expect(await texts(Buffer.concat([zstdOf(text.slice(0, 700)), zstdOf(text.slice(700))]))).toEqual(plain);
  });

  test("[IM31] each file in a zip is a file of the recording, and the report names those that are not recordings", async () => {
    const half = lines.length / 2;
    const zip = zipOf({
      "b.txt": textOf(lines.slice(half)),
      "README.md": "# What is in here\n",
      "a.txt": textOf(lines.slice(0, half)),
    });
    const imported = await importToMemory([await folder.file(zip, "both.zip")]);
    expect(tapeOf(imported)).toMatchObject({ gaps: [], bookUpdates: 320, trades: 80 });
    expect(imported.report.files.map((path) => path.replace(/.*both.zip/, "both.zip"))).toEqual([
      "both.zip/b.txt",
      "both.zip/a.txt",
    ]);
    expect(reportLines(imported.report).join("\n")).toMatch(/^skipped: \S+both.zip\/README.md is not a recording$/m);
  });

  test("[IM31] an unreadable zip is refused with advice", async () => {
    const refused = async (content: Uint8Array, name: string) =>
      importToMemory([await folder.file(content, name)]).then(
        () => "imported",
        (error: unknown) => (error instanceof Error ? `${error.name}: ${error.message}` : "?"),
      );
    const zip = zipOf({ "a.txt": whole });
    const marked = (at: number, value: number) => {
      const copy = Buffer.from(zip);
      for (const signature of ["PK\x03\x04", "PK\x01\x02"]) {
        const header = copy.indexOf(signature, 0, "latin1");
        copy[header + at + (signature === "PK\x01\x02" ? 2 : 0)] = value;
      }
      return copy;
    };
    expect(await refused(marked(6, 1), "locked.zip")).toMatch(
      /^ImportRefused: locked.zip cannot be read: a.txt in it is encrypted. Unpack it/,
    );
    expect(await refused(marked(8, 12), "bz.zip")).toMatch(
      /^ImportRefused: bz.zip cannot be read: a.txt in it is compressed by a method/,
    );
    expect(await refused(zipOf({}), "none.zip")).toMatch(/^ImportRefused: There is no file to import in/);
    expect(await refused(zipOf({ "in.zip": zip }), "out.zip")).toMatch(
      /^ImportRefused: None of the files is a recording.*is a zip inside an archive: unpack it/,
    );
    expect(await refused(gzipSync(gzipSync(whole)), "twice.gz")).toMatch(
      /^ImportRefused: twice.gz is compressed twice: decompress it once/,
    );
    const many = Object.fromEntries(Array.from({ length: 1_001 }, (_, n) => [`${n}.txt`, ""]));
    expect(await refused(zipOf(many), "many.zip")).toMatch(/^ImportRefused: many.zip has 1001 files, and at most 1000/);
  });

  test.each([
    ["x.bz2", "BZh91AY&SY", "is compressed with bzip2, which is not supported: decompress it with `bunzip2 x.bz2`"],
    ["x.xz", "\xfd7zXZ\0", "is compressed with xz, which is not supported: decompress it with `unxz x.xz`"],
    ["x.7z", "7z\xbc\xaf\x27\x1c", "is a 7z archive, which is not supported: unpack it with `7z x x.7z`"],
    [
      "x.tar",
      `${"a.csv".padEnd(257, "\0")}ustar`,
      "is a tar archive, which is not supported: unpack it with `tar -xf x.tar`",
    ],
    ["x.h5", "\x89HDF\r\n\x1a\n", "is an HDF5 file, which is not supported: export it as CSV"],
  ])("[IM31] %s is refused with the command that converts it", async (name, content, sentence) => {
    const bytes = Buffer.from(content, "latin1");
    await expect(importToMemory([await folder.file(bytes, name)])).rejects.toThrow(`${name} ${sentence}`);
    await expect(importToMemory([await folder.file(gzipSync(bytes), `${name}.gz`)])).rejects.toThrow(
      /which is not supported/,
    );
  });
});

describe("decompression bombs", () => {
  const limit = 400 * 1024 * 1024;

  /** By how many bytes an import raised the peak memory of this process. */
  async function memoryOf(content: Uint8Array): Promise<number> {
    const path = await folder.file(content);
    const before = process.resourceUsage().maxRSS;
    await expect(importToMemory([path], { symbol: "X" })).rejects.toThrow(/has a line longer than 33554432 bytes/);
    return (process.resourceUsage().maxRSS - before) * 1024;
  }

  /** A zstd frame of blocks of 128 KB that each repeat one byte. */
  function repeated(byte: number, blocks: number): Buffer {
    const block = Buffer.from([2, 0, 16, byte]);
    const last = Buffer.from([3, 0, 16, byte]);
    return Buffer.concat([
      Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, 7 << 3]),
      ...Array.from({ length: blocks - 1 }, () => block),
      last,
    ]);
  }

  test("[IM20] a few KB that decompress to gigabytes are refused at the longest line, in little memory", async () => {
    const header = Buffer.from(textOf(csvLines(3)));
    const megabyte = gzipSync(Buffer.alloc(1024 * 1024, 0x30));
    const members = Array.from({ length: 4_000 }, () => megabyte);
    expect(await memoryOf(Buffer.concat([gzipSync(header), ...members]))).toBeLessThan(limit);
    expect(await memoryOf(Buffer.concat([zstdOf(header.toString()), repeated(0x30, 16_000)]))).toBeLessThan(limit);
  });

  test("[IM31] a zstd frame with a window of gigabytes is refused before memory is allocated", async () => {
    const wide = Buffer.from(zstdOf(whole));
    wide[5] = 21 << 3; // 2 GB
    await expect(importToMemory([await folder.file(wide, "wide.zst")])).rejects.toThrow(
      /wide.zst cannot be read: the zstd data needs a window of 2147483648 bytes, and at most 134217728 are allowed/,
    );
  });
});
