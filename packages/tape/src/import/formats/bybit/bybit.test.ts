import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TestFolder, textOf, zipOf } from "../../input/testing.js";
import { eventsOf, framesOf, type Imported, importToMemory, tapeOf } from "../../test-recordings.js";
import { rebuiltBooks, type Told, toldMarket, toldWhole, trackIn, type WholeBook } from "../testing.js";
import { bookLine, contractRows, headers, spotRows } from "./testing.js";

const folder = new TestFolder();
beforeAll(() => folder.make());
afterAll(() => folder.remove());

const market = toldMarket(300, 12);

/** A day's file as Bybit offers it: a zip of a `.data` file. */
function bookZip(told: readonly Told[], name = "2024-08-08_BTCUSDT_ob500"): Promise<string> {
  const lines = told.map((one) => bookLine(one, { depth: 12 }));
  return folder.file(zipOf({ [`${name}.data`]: textOf(lines) }), `${name}.data.zip`);
}

async function booksOf(imported: Imported): Promise<WholeBook[]> {
  const books: WholeBook[] = [];
  for await (const book of rebuiltBooks(imported, tapeOf(imported))) books.push(book);
  return books;
}

describe("Bybit's order book files", () => {
  test("[IM54] after each line the whole book is the venue's, at the matching engine's time", async () => {
    const imported = await importToMemory([await bookZip(market)], { intervalMs: 0 });
    expect(imported.report).toMatchObject({ formats: ["bybit"], notices: [], brokenLines: { count: 0 } });
    expect(tapeOf(imported)).toMatchObject({
      tape: "btcusdt-bybit-20240808@1",
      from: "2024-08-08T12:00:00.000Z",
      gaps: [],
      book: { sequenceBreaks: 0, crossed: 0, levelsOutsideSnapshot: 0 },
    });
    expect(await booksOf(imported)).toEqual(market.map(({ truth }) => truth));
  });

  test("[ET6] [IM56] between the prices that are known no level of the market is missing, at any frame", async () => {
    const imported = await importToMemory([await bookZip(market)], { intervalMs: 0 });
    const track = await trackIn(imported, tapeOf(imported));
    let limited = 0;
    for (const [seq, { truth, all }] of market.entries()) {
      const { bids, asks, knownLow, knownHigh } = await track.bookAt({ seq });
      expect([seq, bids, asks]).toEqual([seq, truth.bids, truth.asks]);
      expect(all.bids.filter(([price]) => price >= (knownLow ?? 0))).toEqual(
        bids.filter(([price]) => price >= (knownLow ?? 0)),
      );
      const high = knownHigh ?? Number.POSITIVE_INFINITY;
      expect(all.asks.filter(([price]) => price <= high)).toEqual(asks.filter(([price]) => price <= high));
      if (all.bids.length > bids.length) limited++;
    }
    expect(limited).toBeGreaterThan(10);
  });

  test("[IM54] files without the matching engine's time, which are older, have the time of sending", async () => {
    const lines = market.slice(0, 20).map((one) => bookLine(one, { depth: 12, old: true }));
    const imported = await importToMemory([await folder.file(textOf(lines), "2023-01-20_BTCUSDT_ob500.data")]);
    expect(tapeOf(imported).from).toBe("2024-08-08T12:00:00.002Z");
  });

  test("[IM55] the venue may send a whole book with new ids at any time, which is no gap", async () => {
    const restarted = market.map((one, at) => ({
      ...(at === 150 ? toldWhole(one) : one),
      id: at < 150 ? at + 1 : at - 149,
    }));
    const imported = await importToMemory([await bookZip(restarted)], { intervalMs: 0 });
    expect(tapeOf(imported)).toMatchObject({ gaps: [], book: { sequenceBreaks: 0, snapshotsUsed: 2 } });
    expect(await booksOf(imported)).toEqual(market.map(({ truth }) => truth));
  });

  test("[IM55] a missing line is a marked gap until the next whole book", async () => {
    const told = market.map((one, at) => (at === 140 ? toldWhole(one) : one)).filter((_, at) => at !== 100);
    const imported = await importToMemory([await bookZip(told)], { intervalMs: 0 });
    expect(tapeOf(imported)).toMatchObject({ gaps: [{}], book: { sequenceBreaks: 1, diffsBeforeSnapshot: 39 } });
    expect(await booksOf(imported)).toEqual([...market.slice(0, 100), ...market.slice(140)].map(({ truth }) => truth));
  });

  test("[IM8] [IM55] a repeated line is left out and is no break", async () => {
    const told = market.flatMap((one, at) => (at === 100 ? [one, one] : [one]));
    const imported = await importToMemory([await bookZip(told)], { intervalMs: 0 });
    expect(tapeOf(imported)).toMatchObject({ duplicates: 1, gaps: [], book: { sequenceBreaks: 0 } });
    expect(await booksOf(imported)).toEqual(market.map(({ truth }) => truth));
  });

  test("[IM3] [IM54] the files of two days are one tape", async () => {
    const second = market.slice(150).map((one, at) => (at === 0 ? toldWhole(one) : one));
    const files = [await bookZip(second, "2024-08-09_BTCUSDT_ob500"), await bookZip(market.slice(0, 150))];
    const imported = await importToMemory(files, { intervalMs: 0 });
    expect(await booksOf(imported)).toEqual(market.map(({ truth }) => truth));
  });

  test("[IM15] a broken line is reported with what was found", async () => {
    const lines = market.slice(0, 10).map((one) => bookLine(one, { depth: 12 }));
    const broken = [lines[0]?.replace('"snapshot"', '"all"'), lines[1]?.replace(/"ts":\d+/, '"ts":"soon"'), "{"];
    const path = await folder.file(textOf([...lines, ...broken.map((line) => line ?? "")]), "broken.data");
    const { report } = await importToMemory([path]);
    expect(report.brokenLines.first.map(({ line, reason }) => [line, reason.split(":")[0]])).toEqual([
      [11, "type is neither snapshot nor delta"],
      [12, "ts is not a time"],
      [13, "not JSON"],
    ]);
  });
});

describe("Bybit's trades", () => {
  async function tradesOf(imported: Imported) {
    const trades: unknown[] = [];
    for await (const text of framesOf(imported, tapeOf(imported))) trades.push(...JSON.parse(text).trades);
    return trades;
  }

  test("[IM54] those of contracts join the book of contracts, with the taker's side", async () => {
    const rows = contractRows(market);
    const trades = await folder.file(gzipSync(textOf([headers.contracts, ...rows])), "BTCUSDT2024-08-08.csv.gz");
    const imported = await importToMemory([await bookZip(market), trades], { intervalMs: 0 });
    expect(tapeOf(imported)).toMatchObject({ tape: "btcusdt-bybit-20240808@1", trades: rows.length, duplicates: 0 });
    const found = await tradesOf(imported);
    expect(found).toHaveLength(rows.length);
    expect(found[0]).toMatchObject({
      timestamp: "2024-08-08T12:00:00.504100Z",
      price: 1000.5,
      size: 0.01,
      side: "buy",
    });
    expect(found[1]).toMatchObject({ timestamp: "2024-08-08T12:00:01.004100Z", price: 1000, size: 0.02, side: "sell" });
  });

  test("[IM54] those of spot make the book in the same import one of spot", async () => {
    const rows = spotRows(market);
    for (const header of [headers.spot, `${headers.spot},rpi`]) {
      const lines = [header, ...(header === headers.spot ? rows : rows.map((row) => `${row},0`))];
      const trades = await folder.file(gzipSync(textOf(lines)), "BTCUSDT_2024-08-08.csv.gz");
      const imported = await importToMemory([await bookZip(market), trades], { intervalMs: 0 });
      expect(tapeOf(imported)).toMatchObject({ tape: "btcusdt-bybit-spot-20240808@1", trades: rows.length });
      expect((await tradesOf(imported))[1]).toMatchObject({ timestamp: "2024-08-08T12:00:01.004Z", side: "sell" });
    }
  });

  test("[IM54] a folder or file called spot makes a book one of spot; with trades of both it is taken for contracts, and the report says so", async () => {
    const lines = textOf(market.slice(0, 50).map((one) => bookLine(one, { depth: 12 })));
    const inSpot = await folder.file(zipOf({ "spot/2024-08-08_BTCUSDT_ob200.data": lines }), "day.zip");
    expect(tapeOf(await importToMemory([inSpot])).source).toBe("BYBIT-SPOT");
    const both = [
      await folder.file(lines, "2024-08-08_BTCUSDT_ob200.data"),
      await folder.file(textOf([headers.contracts, ...contractRows(market)]), "BTCUSDT2024-08-08.csv"),
      await folder.file(textOf([headers.spot, ...spotRows(market)]), "BTCUSDT_2024-08-08.csv"),
    ];
    const { report } = await importToMemory(both);
    expect(report.notices).toEqual([
      "2024-08-08_BTCUSDT_ob200.data was taken for a book of contracts: the recording has trades of contracts and of spot, and neither the file's nor its folder's name says spot.",
    ]);
    expect(report.tapes.map(({ source, refused }) => [source, refused === undefined]).sort()).toEqual([
      ["BYBIT", true],
      ["BYBIT-SPOT", false],
    ]);
  });

  test("[IM59] a file that begins with the newest trade is refused with the command that turns it around", async () => {
    const rows = [...contractRows(market)].reverse();
    const path = await folder.file(textOf([headers.contracts, ...rows]), "BTCUSDT2020-05-28.csv");
    await expect(importToMemory([path])).rejects.toThrow(
      "BTCUSDT2020-05-28.csv has its newest trade first, and trades are accepted in order of time: turn its rows around, for example with `(head -1 FILE; tail -n +2 FILE | tac)`.",
    );
  });

  test("[IM54] a renamed file of spot names no market: --symbol does", async () => {
    const path = await folder.file(textOf([headers.spot, ...spotRows(market)]), "renamed.csv");
    await expect(importToMemory([path])).rejects.toThrow(
      "renamed.csv does not name its market: give --symbol, or the name that the file was downloaded by, such as BTCUSDT_2025-05-01.csv.gz.",
    );
    const symbols = new Set<string>();
    const named = await folder.file(textOf([headers.spot, ...spotRows(market)]), "ETHUSDT-2022-11.csv");
    for await (const { instrument } of eventsOf([named])) symbols.add(`${instrument.source} ${instrument.symbol}`);
    expect([...symbols]).toEqual(["BYBIT-SPOT ETHUSDT"]);
  });

  test("[IM15] a broken row is reported with what was found", async () => {
    const rows = [...contractRows(market)];
    rows[1] = rows[1]?.replace(/Buy|Sell/, "Both") ?? "";
    rows[3] = rows[3]?.replace("BTCUSDT", "ETHUSDT") ?? "";
    rows[5] = rows[5]?.replace(/^[\d.]+/, "2024-08-08") ?? "";
    const trades = await folder.file(textOf([headers.contracts, ...rows]), "BTCUSDT2024-08-08.csv");
    const { report } = await importToMemory([await bookZip(market), trades]);
    expect(report.brokenLines.first.map(({ line, reason }) => [line, reason])).toEqual([
      [3, 'side is neither buy nor sell: "Both"'],
      [5, "symbol is ETHUSDT, but the file's first row has BTCUSDT"],
      [7, "timestamp is not a time: 2024-08-08"],
    ]);
  });
});
