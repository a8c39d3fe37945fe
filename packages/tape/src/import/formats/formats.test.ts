import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isoOfNs } from "@tapedeck/protocol";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { defaultTapeId } from "../instrument-import.js";
import { eventsOf, framesOf, importToMemory, tapeOf } from "../test-recordings.js";
import { midnightInNewYork } from "./new-york.js";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "tapedeck-formats-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function file(name: string, ...lines: readonly string[]): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, `${lines.join("\n")}\n`);
  return path;
}

async function eventsIn(...paths: readonly string[]) {
  const events = [];
  for await (const event of eventsOf(paths)) events.push(event);
  return events;
}

describe("Tardis", () => {
  const header = "exchange,symbol,timestamp,local_timestamp,is_snapshot,side,price,amount";

  test("[IM1] rows of one message are one event, and a later snapshot replaces the book", async () => {
    const path = await file(
      "incremental.csv",
      header,
      "deribit,BTC-PERPETUAL,1585699200245000,1585699200355684,true,ask,6421.5,18640",
      "deribit,BTC-PERPETUAL,1585699200245000,1585699200355684,true,bid,6421,100",
      "deribit,BTC-PERPETUAL,1585699200345000,1585699200455684,false,bid,6421,0",
      "deribit,BTC-PERPETUAL,1585699200345000,1585699200455684,false,bid,6420.5,70",
      "deribit,BTC-PERPETUAL,1585699200645000,1585699200755684,true,ask,6430,5",
      "deribit,BTC-PERPETUAL,1585699200645000,1585699200755684,true,bid,6429,6",
    );
    expect((await eventsIn(path)).map(({ kind }) => kind)).toEqual(["snapshot", "diff", "snapshot"]);
    const imported = await importToMemory([path]);
    const books = [];
    for await (const text of framesOf(imported, tapeOf(imported))) {
      const { best_bid, best_ask, timestamp } = JSON.parse(text);
      books.push([timestamp, best_bid, best_ask]);
    }
    expect(books).toEqual([
      ["2020-04-01T00:00:00.245000Z", 6421, 6421.5],
      ["2020-04-01T00:00:00.345000Z", 6420.5, 6421.5],
      ["2020-04-01T00:00:00.645000Z", 6429, 6430],
    ]);
  });
});

describe("Binance", () => {
  const diff = (ms: number, first: number, bid: string) =>
    `${ms}000000 {"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":${ms},"s":"BTCUSDT","U":${first},"u":${first},"b":[["${bid}","1"]],"a":[["100.5","2"]]}}`;
  const start = 1723161255000;

  test("[IM14] times in microseconds and milliseconds are distinguished", async () => {
    const micros = (us: number, id: number) =>
      `${us}000 {"stream":"btcusdt@depth","data":{"e":"depthUpdate","E":${us},"s":"BTCUSDT","U":${id},"u":${id},"b":[["100","${id}"]],"a":[["100.5","2"]]}}`;
    const path = await file("micros.txt", micros(1723161255000123, 1), micros(1723161255300456, 2));
    expect(tapeOf(await importToMemory([path]))).toMatchObject({
      from: "2024-08-08T23:54:15.000123Z",
      to: "2024-08-08T23:54:15.300456Z",
    });
  });

  test("[IM2] spot and futures of one symbol are two instruments", async () => {
    const futures = diff(start, 1, "99").replace('"U":', '"T":1723161255000,"pu":0,"U":');
    const path = await file("both.txt", diff(start, 1, "100"), futures);
    const { report } = await importToMemory([path]);
    expect(report.tapes.map(({ tape }) => tape)).toEqual([
      "btcusdt-binance-20240808@1",
      "btcusdt-binance-futures-20240808@1",
    ]);
  });

  test("[IM3] parts more than 30 days apart become separate tapes", async () => {
    const later = start + 31 * 86_400_000;
    const path = await file("parts.txt", diff(start, 1, "100"), diff(later, 90, "100"), diff(later + 200, 91, "99"));
    const { report } = await importToMemory([path]);
    expect(report.tapes.map(({ tape, frames }) => [tape, frames])).toEqual([
      ["btcusdt-binance-20240808@1", 1],
      ["btcusdt-binance-20240908@1", 2],
    ]);
    expect(report.notices).toEqual(["BINANCE BTCUSDT: parts more than 30 days apart became separate tapes."]);
    await expect(importToMemory([path], { id: "one" })).rejects.toThrow(/one id is not enough/);
  });

  test("[IM15] a message with an invalid field is a broken line, and the report names the field", async () => {
    const path = await file(
      "fields.txt",
      diff(start, 1, "100"),
      diff(start + 100, 2, "abc"),
      diff(start + 200, 2, "101").replace('"U":2', '"U":null'),
      diff(start + 300, 2, "101").replace(`"E":${start + 300}`, '"E":"soon"'),
      diff(start + 400, 2, "101").replace('"s":"BTCUSDT"', '"s":7'),
      `${start}000000 [1,2]`,
    );
    const { report } = await importToMemory([path]);
    expect(report.brokenLines.first.map(({ line, reason }) => [line, reason])).toEqual([
      [2, 'a price in b is not a number: "abc"'],
      [3, "U is not a number: null"],
      [4, 'E is not a time: "soon"'],
      [5, "s is not a text: 7"],
      [6, "the message is not an object: [1,2]"],
    ]);
  });
});

describe("LOBSTER", () => {
  const message = "34200.000000001,1,1,18,5853300,1";
  const book = "5859400,200,5853300,18,9999999999,0,-9999999999,0";

  test("[IM17] levels that don't exist are skipped, and day and stock can be given as options", async () => {
    const files = [await file("m.csv", message), await file("b.csv", book)];
    await expect(importToMemory(files)).rejects.toThrow(/give --symbol/);
    await expect(importToMemory(files, { symbol: "AAPL" })).rejects.toThrow(/give --date/);
    const imported = await importToMemory(files, { symbol: "aapl", date: "2012-01-03" });
    expect(tapeOf(imported).tape).toBe("aapl-nasdaq-20120103@1");
    for await (const text of framesOf(imported, tapeOf(imported))) {
      expect(JSON.parse(text)).toMatchObject({ best_ask: 585.94, timestamp: "2012-01-03T14:30:00.000000001Z" });
      expect(JSON.parse(text).bids[1][1]).toBe(0);
    }
  });

  test("[IM15] a missing orderbook row is reported", async () => {
    const files = [
      await file("AAPL_2012-01-03_message_1.csv", message, message, message),
      await file("AAPL_2012-01-03_orderbook_1.csv", book, "", book),
    ];
    const { report } = await importToMemory(files);
    expect(report.brokenLines.first.map(({ line, reason }) => [line, reason])).toEqual([
      [2, "the orderbook row for this message is missing"],
    ]);
  });

  test("[IM30] a pair of files with unequal length makes no tape without --keep-partial", async () => {
    const messages = await file("AAPL_2012-01-04_message_1.csv", message, message);
    const books = await file("AAPL_2012-01-04_orderbook_1.csv", book);
    await expect(importToMemory([messages, books])).rejects.toThrow(
      /orderbook_1.csv cannot be read to its end: .*it has fewer rows than its message file/,
    );
    const { report } = await importToMemory([messages, books], { keepPartial: true });
    expect(report.cutShort).toMatchObject([{ file: books, line: 1 }]);
    expect(report.frames).toBe(1);
    const short = await file("AAPL_2012-01-05_message_1.csv", message);
    const long = await file("AAPL_2012-01-05_orderbook_1.csv", book, book);
    await expect(importToMemory([short, long])).rejects.toThrow(
      /message_1.csv cannot be read to its end: .*it has fewer rows than its orderbook file/,
    );
  });

  test("[IM14] midnight in New York follows daylight saving time", () => {
    const midnight = (date: string) => isoOfNs(midnightInNewYork(date), 3);
    expect(midnight("2012-06-21")).toBe("2012-06-21T04:00:00.000Z");
    expect(midnight("2012-01-03")).toBe("2012-01-03T05:00:00.000Z");
    // The days on which the clocks change begin by the old time.
    expect(midnight("2012-03-11")).toBe("2012-03-11T05:00:00.000Z");
    expect(midnight("2012-11-04")).toBe("2012-11-04T04:00:00.000Z");
  });
});

test("[IM21] a tape gets a valid id whatever its market is called", () => {
  const at = BigInt(Date.UTC(2024, 7, 8, 23, 59)) * 1_000_000n;
  const id = (symbol: string) => defaultTapeId({ symbol, source: "BINANCE-FUTURES", decimals: 3 }, at);
  expect(id("BTCUSDT")).toBe("btcusdt-binance-futures-20240808");
  expect(id("BTC/USD:PERP")).toBe("btc-usd-perp-binance-futures-20240808");
  expect(id(".x")).toBe("x-binance-futures-20240808");
});
