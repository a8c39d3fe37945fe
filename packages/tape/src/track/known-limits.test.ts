import { afterAll, beforeAll, expect, test } from "vitest";
import { trackIn } from "../import/formats/testing.js";
import { binanceLines, csvLines, TestFolder, textOf } from "../import/input/testing.js";
import { importToMemory, tapeOf } from "../import/test-recordings.js";
import { snapshotRows } from "./parquet/row-group-parts.js";

const folder = new TestFolder();
beforeAll(() => folder.make());
afterAll(() => folder.remove());

const diffs = binanceLines(400);

/** The book at the end of a recording of diffs with this whole book before them, or none. */
async function bookOf(whole?: { readonly bids: number; readonly asks: number }) {
  const levels = (count: number, price: (at: number) => number) =>
    Array.from({ length: count }, (_, at) => [price(at).toFixed(2), "1"]);
  const snapshot = whole && {
    lastUpdateId: -1 + 1,
    bids: levels(whole.bids, (at) => 99 - at / 100),
    asks: levels(whole.asks, (at) => 102 + at / 100),
  };
  const lines = snapshot ? [diffs[0] ?? "", JSON.stringify(snapshot), ...diffs.slice(1)] : diffs;
  const imported = await importToMemory([await folder.file(textOf(lines))]);
  const { knownLow, knownHigh, limitsKnown } = await (await trackIn(imported, tapeOf(imported))).bookAt({ seq: 300 });
  return { knownLow, knownHigh, limitsKnown };
}

test("[ET6] a book from diffs alone, a whole one and one that was cut off differ in whether and where they are complete", async () => {
  const without = { knownLow: undefined, knownHigh: undefined };
  expect(await bookOf()).toEqual({ ...without, limitsKnown: false });
  expect(await bookOf({ bids: 30, asks: 40 })).toEqual({ ...without, limitsKnown: true });
  // A venue that is asked for 1,000 levels cuts off what lies behind them.
  expect(await bookOf({ bids: 1000, asks: 40 })).toEqual({ knownLow: 89.01, knownHigh: undefined, limitsKnown: true });
});

const ms = Date.UTC(2024, 7, 8, 23, 54);
const times = [0, 1, 2].map((at) => ms + at * 500);

/** Recordings of whole books with all the levels that their formats have room for: the worst bid and ask are 99 and 102. */
const wholeBooks: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  csv: {
    "books.csv": [
      "time,bid_price_1,bid_size_1,bid_price_2,bid_size_2,ask_price_1,ask_size_1,ask_price_2,ask_size_2",
      ...times.map((time, at) => `${time},100,${at + 1},99,1,101,1,102,1`),
    ],
  },
  tardis: {
    "book_snapshot_2.csv": [
      "exchange,symbol,timestamp,local_timestamp,asks[0].price,asks[0].amount,bids[0].price,bids[0].amount,asks[1].price,asks[1].amount,bids[1].price,bids[1].amount",
      ...times.map((time, at) => `binance,AAPL,${time}000,${time}000,101,1,100,${at + 1},102,1,99,1`),
    ],
  },
  "tardis quotes": {
    "quotes.csv": [
      "exchange,symbol,timestamp,local_timestamp,ask_amount,ask_price,bid_price,bid_amount",
      ...times.map((time, at) => `binance,AAPL,${time}000,${time}000,1,102,99,${at + 1}`),
    ],
  },
  lobster: {
    "AAPL_2012-06-21_34200000_57600000_message_2.csv": times.map((_, at) => `3420${at}.5,1,${at + 1},1,1000000,1`),
    "AAPL_2012-06-21_34200000_57600000_orderbook_2.csv": times.map(
      (_, at) => `1010000,1,1000000,${at + 1},1020000,1,990000,1`,
    ),
  },
  hyperliquid: {
    "l2book.txt": times.map((time, nth) => {
      const side = (price: (at: number) => number) =>
        Array.from({ length: 20 }, (_, at) => ({ px: price(at).toFixed(2), sz: `${nth + 1}`, n: 1 }));
      const levels = [side((at) => 99.19 - at / 100), side((at) => 101.81 + at / 100)];
      return `${time}000000 ${JSON.stringify({ channel: "l2Book", data: { coin: "AAPL", time, levels } })}`;
    }),
  },
};

test.each(Object.entries(wholeBooks))("[ET6] behind the levels of %s nothing is known", async (_, files) => {
  const paths = await Promise.all(Object.entries(files).map(([name, lines]) => folder.file(textOf(lines), name)));
  const imported = await importToMemory(paths, { symbol: "AAPL" });
  const book = await (await trackIn(imported, tapeOf(imported))).bookAt({ seq: 2 });
  expect(book).toMatchObject({ knownLow: 99, knownHigh: 102, limitsKnown: true });
});

test("[ET6] a side with fewer levels than its format has room for is known whole", async () => {
  const lines = csvLines(
    3,
    "time,bid_price_1,bid_size_1,ask_price_1,ask_size_1,bid_price_2,bid_size_2,ask_price_2,ask_size_2",
  );
  const thin = lines.map((line, at) => (at === 0 ? line : `${line},99,1,,`));
  const imported = await importToMemory([await folder.file(textOf(thin))], { symbol: "AAPL" });
  const book = await (await trackIn(imported, tapeOf(imported))).bookAt({ seq: 2 });
  expect(book).toMatchObject({ knownLow: 99, knownHigh: undefined, limitsKnown: true });
});

test("[ET6] files of earlier releases say that limits are known where one is given", () => {
  const columns: Readonly<Record<string, unknown[]>> = {
    known_low: [9900n, undefined, undefined],
    known_high: [undefined, undefined, 10_200n],
    side: ["bid", "bid", "bid"],
  };
  const read = snapshotRows.decode(
    (name) => columns[name] ?? [1n, 2n, 3n],
    (name) => name !== "limits_known",
  );
  expect([...read.limitsKnown]).toEqual([1, 0, 1]);
});
