import { mkdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { formatNames } from "../formats/registry.js";
import { reportLines } from "../import-report.js";
import { importToMemory } from "../test-recordings.js";
import { binanceLines, csvLines, TestFolder, textOf, zipOf } from "./testing.js";

let folder = new TestFolder();
beforeEach(async () => {
  folder = new TestFolder();
  await folder.make();
});
afterEach(() => folder.remove());

const recording = textOf(binanceLines(100, { received: true }));

describe("a folder", () => {
  test("[IM33] with other files beside a recording is imported, and the report names the skipped files", async () => {
    await folder.file(recording, "b.txt");
    await folder.file("# About\n\nThis is `1723161240.5: {...}`.\n", "README.md");
    await folder.file("MIT License\n", "LICENSE");
    await folder.file("\0\0\0\x01Bud1", ".DS_Store");
    await folder.file("2a922967f8f65467d43b154970a04e3b  b.txt\n", "b.txt.sha256");
    await folder.file("", "empty.csv");
    await folder.file('1626992741.1: {"event":"heartbeat"}\n', "GEMINI.ws.1.0");
    await mkdir(join(folder.path, "raw"));
    await symlink(join(folder.path, "nowhere"), join(folder.path, "link"));
    const { report } = await importToMemory([folder.path]);
    expect(report.files).toEqual([join(folder.path, "b.txt")]);
    expect(report.frames).toBeGreaterThan(20);
    const skipped = Object.fromEntries(
      report.skipped.map(({ file, reason }) => [file.slice(folder.path.length + 1), reason]),
    );
    expect(skipped).toEqual({
      ".DS_Store": "is a hidden file",
      LICENSE: "is not a recording",
      "README.md": "is not a recording",
      "b.txt.sha256": "is not a recording",
      "empty.csv": "is empty",
      "GEMINI.ws.1.0": expect.stringContaining("is a cryptofeed dump of Gemini, which is not supported"),
      raw: "is a folder: name it to import its files",
      link: "is not a file",
    });
    expect(reportLines(report).join("\n")).toMatch(/^skipped: \S+README.md is not a recording$/m);
  });

  test("[IM33] a named file that is not a recording is refused, even beside one that is", async () => {
    const good = await folder.file(recording, "a.txt");
    const readme = await folder.file("# About\n", "README.md");
    await expect(importToMemory([good, readme])).rejects.toThrow(/^README.md is not a recording in a known format\./);
  });

  test("[IM33] without a recording is refused with a list of its files and what would be accepted", async () => {
    await expect(importToMemory([folder.path])).rejects.toThrow(/^There is no file to import in \S+\.$/);
    await folder.file("# About\n", "README.md");
    await expect(importToMemory([folder.path])).rejects.toThrow(
      /^None of the files is a recording: \S+README.md is not a recording. Known formats are hyperliquid, binance, .*bid_price_1.*docs\/importing.md.$/,
    );
  });

  test("[IM33] with a damaged recording is refused", async () => {
    await folder.file(recording, "a.txt");
    await folder.file(zipOf({ "b.txt": recording }).subarray(0, -30), "b.zip");
    await expect(importToMemory([folder.path])).rejects.toThrow(/b.zip is a zip that is cut short or damaged/);
  });
});

describe("a file that is not a recording", () => {
  const refusal = async (content: string | Uint8Array, name: string, symbol = "X") => {
    const error = await importToMemory([await folder.file(content, name)], { symbol }).catch(
      (caught: unknown) => caught,
    );
    return error instanceof Error ? `${error.name}: ${error.message}` : "imported";
  };
  const header = csvLines(0).join();

  test("[IM35] is refused with the known formats, the columns of a CSV and the page to read", async () => {
    expect(await refusal("hello\n", "notes.txt")).toBe(
      `ImportRefused: notes.txt is not a recording in a known format. Known formats are ${formatNames.join(", ")}; ` +
        "a CSV of books needs a time column (timestamp, time, ts, ...) and " +
        "prices and sizes of both sides (bid_price_1, bid_size_1, ask_price_1, ask_size_1, ... or names like them); see docs/importing.md.",
    );
  });

  test.each([
    [
      "messages.json",
      '{"price": "1", "text": "x"}\n',
      /: the nearest is binance, which has .*lastUpdateId.* has the keys price, text\. Known/,
    ],
    [
      "received.txt",
      '1723161240.5 {"what": "ever"}\n',
      /: the nearest is binance, .* has the keys what\. Known formats are/,
    ],
    ["feed.log", "1723161240.5: hello\n", /: the nearest is cryptofeed, .* has another message after the time\. Known/],
    [
      "vendor.csv",
      "exchange,symbol,ts,price\n1,2,3,4\n",
      /: the nearest is tardis, .* has the columns exchange, symbol, ts, price\./,
    ],
    [
      "ohlc.csv",
      "time,open,high,low,close,volume\n",
      /: the nearest is csv, .* has the columns time, open, high, low, close, \.\.\. ?\./,
    ],
  ])("[IM62] %s is refused with the format that it is most like", async (name, content, sentence) => {
    expect(await refusal(content, name)).toMatch(sentence);
  });

  test.each([
    ["an object of JSON", '{"a": "b"}\n', /is not a recording in a known format/],
    ["lines of JSON from no known venue", '{"price": "1", "text": "a\\"b"}\n{"price": "2"}\n', /is not a recording/],
    ["an array of JSON", '[{"price": 1}]', /is not a recording in a known format/],
    ["seconds and JSON", '1723161240.5 {"what": "ever"}\n', /is not a recording in a known format/],
    ["a text with an unclosed quote", 'a "quoted text, and\nmore\n', /is not a recording in a known format/],
    ["bytes", Buffer.from([0, 255, 34, 10, 34, 0, 128]), /is not a recording in a known format/],
    ["nothing", "", /^ImportRefused: file is empty\.$/],
    ["empty lines", "\n\n\r\n", /^ImportRefused: file is empty\.$/],
    ["a CSV with only a header", `${header}\n`, /file has the header of a CSV of books but no row\.$/],
    [
      "a CSV in which no row has a time",
      `${header}\nN/A,1,1,2,1\n`,
      /but no row that can be read: in the first row, the time is not a time: "N\/A"/,
    ],
    [
      "a CSV in which no row has prices",
      `${header}\n1723161240000,N/A,1,2,1\n`,
      /in the first row, a price is not a number: "N\/A"/,
    ],
    ["a CSV with another header", "time,price,size\n1,2,3\n", /is not a recording in a known format/],
  ])("[IM37] %s is refused in one sentence", async (_, content, sentence) => {
    const message = await refusal(content, "file");
    expect(message).toMatch(/^ImportRefused: /);
    expect(message).toMatch(sentence);
  });

  test("[IM37] an invalid first row of a CSV is a broken line like any other", async () => {
    const [first = "", ...rows] = csvLines(20);
    const path = await folder.file(textOf([first, "N/A,N/A,N/A,N/A,N/A", "1723161239000,1,1,2", ...rows]));
    const { report } = await importToMemory([path], { symbol: "X" });
    expect(report.brokenLines.first.map(({ line }) => line)).toEqual([2, 3]);
    expect(report.frames).toBe(20);
  });
});
