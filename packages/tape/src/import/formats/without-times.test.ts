import { readFile } from "node:fs/promises";
import { gunzipSync, gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TestFolder, textOf } from "../input/testing.js";
import { framesOf, type Imported, importToMemory, recording, recordingsAbsent, tapeOf } from "../test-recordings.js";

const folder = new TestFolder();
beforeAll(() => folder.make());
afterAll(() => folder.remove());

/** The first lines of a real recording. */
async function linesOf(name: string): Promise<string[]> {
  const [path = ""] = recording(name);
  return gunzipSync(await readFile(path))
    .toString()
    .split("\n")
    .slice(0, 15_000)
    .filter(Boolean);
}

function withoutTimes(lines: readonly string[]): string[] {
  return lines.map((line) => line.slice(line.indexOf(" ") + 1));
}

async function framesIn(imported: Imported): Promise<string[]> {
  const frames: string[] = [];
  for await (const text of framesOf(imported, tapeOf(imported))) frames.push(text);
  return frames;
}

const isResponse = (message: string) => message.includes('"lastUpdateId"');

describe.skipIf(recordingsAbsent)("a recording whose receive times are cut off", () => {
  test.each([
    ["futures", "binance-raw/usdm_btcusdt_20240718.gz"],
    ["spot, where depth responses have no time at all", "binance-raw/spot_btcusdt_20240808.gz"],
  ])(
    "[IM50] [IM32] %s: every update has the book, the trades and the time of the recording with times",
    async (_, name) => {
      const every = { intervalMs: 0 };
      const lines = await linesOf(name);
      const expected = await importToMemory([await folder.file(textOf(lines))], every);
      const imported = await importToMemory([await folder.file(gzipSync(textOf(withoutTimes(lines))))], every);
      // The deepest book is looked for at the ends of batches of lines, which are shorter here.
      const { deepest, ...book } = tapeOf(expected).book;
      expect(tapeOf(imported).book).toMatchObject(book);
      expect(deepest).toBeGreaterThan(1_000);
      expect(await framesIn(imported)).toEqual(await framesIn(expected));
    },
  );

  test("[IM50] a depth response takes its place by its id, wherever it is in the file or in a file of its own", async () => {
    const name = "binance-raw/spot_btcusdt_20240808.gz";
    const lines = await linesOf(name);
    const expected = await framesIn(await importToMemory([await folder.file(textOf(lines))]));
    const messages = withoutTimes(lines);
    const response = messages.filter(isResponse);
    const others = messages.filter((message) => !isResponse(message));
    expect(response).toHaveLength(1);
    const first = await importToMemory([await folder.file(textOf([...response, ...others]))]);
    expect(await framesIn(first)).toEqual(expected);
    const older = JSON.stringify({ lastUpdateId: 1_000, bids: [["1", "1"]], asks: [["2", "1"]] });
    for (const paths of [
      [await folder.file(textOf(others)), await folder.file(textOf([older, ...response]))],
      [
        await folder.file(`1723161254206652067 ${response[0]}\n`, "a-response-with-a-receive-time"),
        await folder.file(textOf(others.slice(7_000))),
        await folder.file(textOf(others.slice(0, 7_000))),
      ],
    ]) {
      const apart = await importToMemory(paths);
      expect(tapeOf(apart).book).toMatchObject({ snapshotsUsed: 1, sequenceBreaks: 0 });
      expect(await framesIn(apart)).toEqual(expected);
    }
  });

  test("[IM50] each response of a file finds its market among several, and those without a place are counted", async () => {
    const [btc, eth] = ["binance-raw/spot_btcusdt_20240808.gz", "binance-raw/spot_ethusdt_20240808.gz"];
    const both = withoutTimes([...(await linesOf(btc)).slice(0, 4_000), ...(await linesOf(eth)).slice(0, 4_000)]);
    const old = Array.from({ length: 100 }, (_, n) =>
      JSON.stringify({ lastUpdateId: n, bids: [["1", "1"]], asks: [["2", "1"]] }),
    );
    const responses = await folder.file(textOf([...old, ...both.filter(isResponse)]));
    const messages = await folder.file(textOf(both.filter((message) => !isResponse(message))));
    const { report } = await importToMemory([responses, messages]);
    expect(report.tapes.map(({ symbol, book }) => [symbol, book.snapshotsUsed])).toEqual([
      ["BTCUSDT", 1],
      ["ETHUSDT", 1],
    ]);
    expect(report.ignoredLines["depth response apart from the diffs"]).toBe(100);
  });
});

test("[IM50] a response that comes after its diff is joined with the diffs since, and times may be microseconds", async () => {
  const us = 1_735_689_600_000_000;
  const diff = (n: number) =>
    `{"e": "depthUpdate", "E": ${us + n * 100_000}, "s": "BTCUSDT", "U": ${n}, "u": ${n}, "b": [["100", "${n}"]], "a": []}`;
  const response = '{"lastUpdateId": 3, "bids": [["99", "7"]], "asks": [["101", "7"]]}';
  const lines = [1, 2, 3, 4, 5, 6].map(diff);
  const imported = await importToMemory([
    await folder.file(textOf([...lines.slice(0, 5), response, ...lines.slice(5)])),
  ]);
  const frames = (await framesIn(imported)).map((text) => JSON.parse(text));
  expect(frames.map(({ timestamp, bids }) => [timestamp, bids.slice(0, 2)])).toEqual([
    [
      "2025-01-01T00:00:00.400000Z",
      [
        [100, 4],
        [99, 7],
      ],
    ],
    [
      "2025-01-01T00:00:00.500000Z",
      [
        [100, 5],
        [99, 7],
      ],
    ],
    [
      "2025-01-01T00:00:00.600000Z",
      [
        [100, 6],
        [99, 7],
      ],
    ],
  ]);
});
