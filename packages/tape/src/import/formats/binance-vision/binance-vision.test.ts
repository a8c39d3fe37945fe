import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TestFolder, textOf, zipOf } from "../../input/testing.js";
import { eventsOf, framesOf, importToMemory, tapeOf } from "../../test-recordings.js";
import { trackIn } from "../testing.js";
import { bookTickerRows, headers, quotesOf } from "./testing.js";

const folder = new TestFolder();
beforeAll(() => folder.make());
afterAll(() => folder.remove());

const quotes = quotesOf(400);
const ticks = bookTickerRows(400);

/** Each 200 ms a trade, at the best price that it takes from. */
const fills = quotes.flatMap(({ ms, bid, ask }, n) => {
  const sold = n % 2 === 0;
  return n % 5 === 3 ? [{ ms: ms + 1, sold, price: sold ? bid[0] : ask[0], size: 0.25 }] : [];
});
const futuresTrades = fills.map(
  ({ ms, sold, price, size }, n) => `${900 + n},${price},${size},${price * size},${ms},${sold}`,
);
const spotTrades = fills.map(
  ({ ms, sold, price, size }, n) =>
    `${900 + n},${price},${size},${price * size},${ms}000,${sold ? "True" : "False"},True`,
);
const aggTrades = fills.map(
  ({ ms, sold, price, size }, n) => `${50 + n},${price},${size},${2 * n},${2 * n + 1},${ms},${sold}`,
);

function zipped(name: string, lines: readonly string[]): Promise<string> {
  return folder.file(zipOf({ [`${name}.csv`]: textOf(lines) }), `${name}.zip`);
}

async function booksAndTrades(paths: readonly string[]) {
  const imported = await importToMemory(paths, { intervalMs: 0 });
  const books: unknown[] = [];
  const trades: unknown[] = [];
  for await (const text of framesOf(imported, tapeOf(imported))) {
    const frame = JSON.parse(text);
    books.push([frame.timestamp, frame.bids[0], frame.asks[0]]);
    trades.push(...frame.trades);
  }
  return { books, trades, report: imported.report };
}

/** The first and the second half, a row of each by turns. */
function byTurns(rows: readonly string[]): readonly string[] {
  const half = rows.length / 2;
  return rows.slice(0, half).flatMap((row, at) => [row, rows[half + at] ?? ""]);
}

describe("Binance Vision's bookTicker and trades", () => {
  test("[IM51] each row is the book at its time, and each trade is on the tape, as downloaded", async () => {
    const { books, trades, report } = await booksAndTrades([
      await zipped("BTCUSDT-bookTicker-2024-03-01", [headers.bookTicker, ...ticks]),
      await zipped("BTCUSDT-trades-2024-03-01", [headers.trades, ...futuresTrades]),
    ]);
    expect(report).toMatchObject({ formats: ["binance-vision"], notices: [], brokenLines: { count: 0 } });
    expect(report.tapes).toMatchObject([
      { tape: "btcusdt-binance-futures-20240301@1", gaps: [], trades: fills.length },
    ]);
    const shown = new Set(books.map((book) => JSON.stringify(book)));
    for (const { ms, bid, ask } of quotes) {
      expect(shown).toContain(JSON.stringify([new Date(ms).toISOString(), bid, ask]));
    }
    expect(trades).toMatchObject(
      fills.map(({ ms, sold, price, size }) => ({
        timestamp: new Date(ms).toISOString(),
        price,
        size,
        side: sold ? "sell" : "buy",
      })),
    );
  });

  test("[IM51] files with a header and without one, zipped, gzipped and plain, are the same recording", async () => {
    const withHeader = await booksAndTrades([
      await zipped("ETHUSDT-bookTicker-2024-03-01", [headers.bookTicker, ...ticks]),
      await zipped("ETHUSDT-aggTrades-2024-03-01", [headers.aggTrades, ...aggTrades]),
    ]);
    const without = await booksAndTrades([
      await folder.file(textOf(ticks), "ETHUSDT-bookTicker-2024-03-01.csv"),
      await folder.file(gzipSync(textOf(aggTrades)), "ETHUSDT-aggTrades-2024-03-01.csv.gz"),
    ]);
    expect(without.books).toEqual(withHeader.books);
    expect(without.trades).toEqual(withHeader.trades);
    expect(withHeader.trades).toHaveLength(fills.length);
  });

  test("[IM52] if a recording has a market's trades, its aggTrades are left out, and the report says so", async () => {
    const { trades, report } = await booksAndTrades([
      await zipped("BTCUSDT-bookTicker-2024-03-01", [headers.bookTicker, ...ticks]),
      await zipped("BTCUSDT-trades-2024-03-01", [headers.trades, ...futuresTrades]),
      await zipped("BTCUSDT-aggTrades-2024-03-01", [headers.aggTrades, ...aggTrades]),
    ]);
    expect(trades).toHaveLength(fills.length);
    expect(report.notices).toEqual([
      "BTCUSDT-aggTrades-2024-03-01.csv was left out: the recording has the individual trades of BINANCE-FUTURES BTCUSDT.",
    ]);
  });

  test("[IM51] a missing id is a missing trade, except among the individual trades of futures, whose files lack some", async () => {
    const book = await zipped("BTCUSDT-bookTicker-2024-03-01", [headers.bookTicker, ...ticks]);
    const without = (rows: readonly string[]) => rows.filter((_, n) => n !== 20);
    const aggregated = await booksAndTrades([
      book,
      await zipped("BTCUSDT-aggTrades-2024-03-01", [headers.aggTrades, ...without(aggTrades)]),
    ]);
    expect(aggregated.report.tapes).toMatchObject([{ missingTrades: 1, gaps: [{ reason: "trades are missing" }] }]);
    const individual = await booksAndTrades([
      book,
      await zipped("BTCUSDT-trades-2024-03-01", [headers.trades, ...without(futuresTrades)]),
    ]);
    expect(individual.report.tapes).toMatchObject([{ missingTrades: 0, gaps: [] }]);
  });

  test("[IM51] spot files have milliseconds or, since 2025, microseconds; a tape of both has the finer ones", async () => {
    const read = async (name: string, rows: readonly string[]) => {
      const events = [];
      for await (const event of eventsOf([await folder.file(textOf(rows), name)])) events.push(event);
      return events;
    };
    const micros = await read("BTCUSDT-trades-2025-03-01.csv", spotTrades);
    expect(micros[0]).toMatchObject({
      kind: "trade",
      instrument: { symbol: "BTCUSDT", source: "BINANCE", decimals: 6 },
      id: 900,
      ns: BigInt(fills[0]?.ms ?? 0) * 1_000_000n,
      timestamp: "2024-03-01T00:00:00.121000Z",
    });
    const before = spotTrades.map((row) => row.replace(/000,(?=True|False)/, ","));
    const millis = await read("BTCUSDT-trades-2024-12-31.csv", before);
    expect(millis[0]).toMatchObject({ instrument: { decimals: 3 }, timestamp: "2024-03-01T00:00:00.121Z" });
    const spotAggregated = await read(
      "BTCUSDT-aggTrades-2025-03-01.csv",
      fills.map(({ ms, sold, price, size }, n) => `${n},${price},${size},${n},${n},${ms}123,${sold},True`),
    );
    expect(spotAggregated[0]).toMatchObject({ id: 0, consecutive: true, timestamp: "2024-03-01T00:00:00.121123Z" });
    const both = [
      await folder.file(textOf(before.slice(0, 5)), "LTCUSDT-trades-2024-12-31.csv"),
      await folder.file(textOf(spotTrades.slice(5)), "LTCUSDT-trades-2025-01-01.csv"),
    ];
    const decimals = new Set<number>();
    for await (const { instrument } of eventsOf(both)) decimals.add(instrument.decimals);
    expect([...decimals]).toEqual([6]);
  });

  test("[IM51] sizes of futures settled in coins are contracts, and the report says so", async () => {
    const { report } = await booksAndTrades([
      await zipped("BTCUSD_PERP-bookTicker-2024-03-01", [headers.bookTicker, ...ticks]),
      await zipped("BTCUSD_PERP-trades-2024-03-01", [
        headers.trades.replace("quote_qty", "base_qty"),
        ...futuresTrades,
      ]),
    ]);
    expect(report.tapes).toMatchObject([{ symbol: "BTCUSD_PERP", trades: fills.length }]);
    expect(report.notices[0]).toMatch(/is of futures settled in coins: its sizes are numbers of contracts/);
  });

  test("[IM51] files whose rows are of two stretches of time by turns give the tape of files in order", async () => {
    const importOf = async (order: (rows: readonly string[]) => readonly string[]) =>
      booksAndTrades([
        await zipped("BTCUSDT-bookTicker-2024-03-01", [headers.bookTicker, ...order(ticks)]),
        await zipped("BTCUSDT-aggTrades-2024-03-01", [headers.aggTrades, ...order(aggTrades)]),
      ]);
    const inOrder = await importOf((rows) => rows);
    const mixed = await importOf(byTurns);
    expect(mixed.books).toEqual(inOrder.books);
    expect(mixed.trades).toEqual(inOrder.trades);
    expect(mixed.report).toMatchObject({
      lines: ticks.length + aggTrades.length + 2,
      notices: ["bookTicker", "aggTrades"].map(
        (content) =>
          `BTCUSDT-${content}-2024-03-01.csv: its rows are of 2 stretches of time by turns; they were put in order.`,
      ),
      tapes: [{ gaps: [], missingTrades: 0, outOfOrder: { book: 0, trades: 0, bookLeftOut: 0, tradesLate: 0 } }],
    });
  });

  test("[IM7] rows that are a little late are put in order as those of any format", async () => {
    const late = [...ticks];
    [late[20], late[21]] = [ticks[21] ?? "", ticks[20] ?? ""];
    const { books, report } = await booksAndTrades([
      await zipped("BTCUSDT-bookTicker-2024-03-01", [headers.bookTicker, ...late]),
    ]);
    expect(report).toMatchObject({ notices: [], tapes: [{ outOfOrder: { book: 1, bookLeftOut: 0 } }] });
    expect(books).toHaveLength(ticks.length);
  });

  test("[IM51] broken rows of such a file are reported, each once, and a file without any order is refused", async () => {
    const mixed = [...byTurns(ticks)];
    for (const at of [6, 7]) mixed[at] = mixed[at]?.replace(/,\d+$/, ",soon") ?? "";
    const path = await folder.file(textOf([headers.bookTicker, ...mixed]), "ETHUSDT-bookTicker-2024-03-01.csv");
    const { report } = await importToMemory([path]);
    expect(report.brokenLines.first.map(({ line }) => line).sort()).toEqual([8, 9]);
    const turned = await folder.file(
      textOf([headers.bookTicker, ...[...ticks].reverse()]),
      "LTCUSDT-bookTicker-2024-03-01.csv",
    );
    await expect(importToMemory([turned])).rejects.toThrow(
      "LTCUSDT-bookTicker-2024-03-01.csv is not in order of its ids: sort it, for example with `(head -1 FILE; tail -n +2 FILE | sort -t, -k1,1n)`.",
    );
  });

  test("[ET6] behind the best prices nothing is known", async () => {
    const imported = await importToMemory([
      await zipped("BTCUSDT-bookTicker-2024-03-01", [headers.bookTicker, ...ticks]),
    ]);
    const { bids, asks, knownLow, knownHigh } = await (await trackIn(imported, tapeOf(imported))).bookAt({ seq: 5 });
    expect([[knownLow], [knownHigh]]).toEqual([bids.map(([price]) => price), asks.map(([price]) => price)]);
  });
});

describe("Binance Vision's files that make no tape", () => {
  const bookDepth = ["timestamp,percentage,depth,notional", "2024-03-01 00:00:09,-5,7000.1,4.2e8"];

  test("[IM53] bookDepth is refused with what it holds and what is accepted", async () => {
    const why =
      "is a bookDepth file of Binance Vision, whose rows are sums of all sizes within some percent of the price, not levels of a book: Binance Vision's bookTicker files are accepted as a book, its trades and aggTrades files as trades";
    const plain = await folder.file(textOf(bookDepth), "BTCUSDT-bookDepth-2024-03-01.csv");
    await expect(importToMemory([plain])).rejects.toThrow(`BTCUSDT-bookDepth-2024-03-01.csv ${why}.`);
    const headless = await folder.file("2024-03-01 00:00:09,-5.00,7000.1,420000000\n", "depth.csv");
    await expect(importToMemory([headless])).rejects.toThrow(`depth.csv ${why}.`);
    await expect(importToMemory([await zipped("BTCUSDT-bookDepth-2024-03-01", bookDepth)])).rejects.toThrow(why);
  });

  test("[IM53] beside other files bookDepth and klines are skipped and listed", async () => {
    const zip = await folder.file(
      zipOf({
        "BTCUSDT-bookTicker-2024-03-01.csv": textOf([headers.bookTicker, ...ticks]),
        "BTCUSDT-bookDepth-2024-03-01.csv": textOf(bookDepth),
        "BTCUSDT-1m-2024-03-01.csv": "open_time,open,high,low,close,volume\n1,1,1,1,1,1\n",
      }),
    );
    const { report } = await importToMemory([zip]);
    expect(report.skipped.map(({ reason }) => reason.split(",")[0])).toEqual([
      "is a bookDepth file of Binance Vision",
      "is a file of Binance Vision's klines",
    ]);
  });

  test("[IM16] trades alone are refused with what is missing", async () => {
    await expect(importToMemory([await zipped("BTCUSDT-trades-2025-03-01", spotTrades)])).rejects.toThrow(
      /no book: it has 80 trades and no order book; import a file with the same market's book along with it\.$/,
    );
  });

  test("[IM51] a renamed file names no market: --symbol does, else the import is refused with what names it", async () => {
    const path = await folder.file(textOf([headers.bookTicker, ...ticks]), "renamed.csv");
    await expect(importToMemory([path])).rejects.toThrow(
      "renamed.csv does not name its market: give --symbol, or the name that the file was downloaded by, such as BTCUSDT-bookTicker-2024-05-31.csv.",
    );
    expect(tapeOf(await importToMemory([path], { symbol: "btcusdt" })).symbol).toBe("BTCUSDT");
  });

  test("[IM15] a broken row is reported with its line, its field and what was found", async () => {
    const rows = [...ticks];
    rows[3] = "4009,61000,1,61000.1,1,soon,1709251200126";
    rows[5] = "4015,61000,1,61000.1";
    rows[7] = rows[7]?.replace(/^\d+/, "x") ?? "";
    const path = await folder.file(textOf([headers.bookTicker, ...rows]), "BTCUSDT-bookTicker-2024-03-01.csv");
    const trades = [...futuresTrades];
    trades[2] = trades[2]?.replace(/\w+$/, "maybe") ?? "";
    const { report } = await importToMemory([
      path,
      await zipped("BTCUSDT-trades-2024-03-01", [headers.trades, ...trades]),
    ]);
    expect(report.brokenLines.first.map(({ line, reason }) => [line, reason]).sort()).toEqual([
      [4, 'is_buyer_maker is neither true nor false: "maybe"'],
      [5, 'transaction_time is not a time: "soon"'],
      [7, "4 values, but the header has 7"],
      [9, 'update_id is not a number: "x"'],
    ]);
  });
});
