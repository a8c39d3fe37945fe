import { readFile } from "node:fs/promises";
import { DepthSync, OrderBook } from "@tapedeck/market";
import { describe, expect, test } from "vitest";
import { eventsOf, framesOf, importToMemory, recording, recordingsAbsent, tapeOf } from "./test-recordings.js";

// The recordings contain the truth: Binance's best prices and LOBSTER's books.

interface Expected {
  readonly name: string;
  readonly files: string[];
  readonly applied: number;
  readonly equal: number;
  readonly compared: number;
  readonly bid: number;
  readonly ask: number;
  readonly outside: number;
}

const expected: Expected[] = [
  {
    name: "usdm BTC 2023",
    files: recording("binance-raw/usdm_btcusdt_20230404.dat.gz", "binance-raw/usdm_btcusdt_20230405.dat.gz"),
    applied: 16_110,
    equal: 16_110,
    compared: 16_110,
    bid: 28_140.1,
    ask: 28_140.2,
    outside: 0,
  },
  {
    name: "spot BTC 2024",
    files: recording("binance-raw/spot_btcusdt_20240808.gz", "binance-raw/spot_btcusdt_20240809.gz"),
    applied: 6_493,
    equal: 6_485,
    compared: 6_492,
    bid: 61_602.01,
    ask: 61_602.02,
    outside: 1_217,
  },
  {
    name: "spot ETH 2024",
    files: recording("binance-raw/spot_ethusdt_20240808.gz", "binance-raw/spot_ethusdt_20240809.gz"),
    applied: 6_468,
    equal: 6_436,
    compared: 6_468,
    bid: 2_677.6,
    ask: 2_677.61,
    outside: 0,
  },
  {
    name: "usdm BTC 20240718",
    files: recording("binance-raw/usdm_btcusdt_20240718.gz"),
    applied: 3_321,
    equal: 3_320,
    compared: 3_320,
    bid: 63_959.9,
    ask: 63_960,
    outside: 0,
  },
];

describe.skipIf(recordingsAbsent)("Binance's own best prices", () => {
  test.each(expected)("[IM4] $name: after every diff the book agrees with the last bookTicker", async (truth) => {
    const book = new OrderBook();
    const seen = { compared: 0, equal: 0, crossed: 0, gaps: 0 };
    let ticker = { bid: 0, ask: 0 };
    let joined = false;
    const sync = new DepthSync<undefined>({
      book: (_ns, change) => {
        change(book);
        if (book.crossed) seen.crossed++;
      },
      trade: () => undefined,
      gap: () => seen.gaps++,
    });
    for await (const event of eventsOf(truth.files)) {
      if (event.kind === "ticker") ticker = event;
      else if (event.kind === "snapshot" && event.lastId !== undefined) {
        sync.snapshot({ ns: 0, lastId: event.lastId, bids: event.bids, asks: event.asks });
        joined = true;
      } else if (event.kind === "diff" && event.ids) {
        sync.diff({ ns: 0, ...event.ids, bids: event.bids, asks: event.asks });
        if (!joined) continue;
        seen.compared++;
        if (book.bids.bestPrice === ticker.bid && book.asks.bestPrice === ticker.ask) seen.equal++;
      }
    }
    expect(seen).toEqual({ compared: truth.compared, equal: truth.equal, crossed: 0, gaps: 0 });
    expect(sync.counts).toMatchObject({ applied: truth.applied, breaks: 0, outsideSnapshot: truth.outside });
    expect([book.bids.bestPrice, book.asks.bestPrice]).toEqual([truth.bid, truth.ask]);
  });

  test("[IM5] spot BTC 2023 has no snapshot: a book built from diffs alone agrees with the bookTicker", async () => {
    const book = new OrderBook();
    let ticker = { bid: 0, ask: 0 };
    const seen = { diffs: 0, different: 0, crossed: 0 };
    for await (const event of eventsOf(recording("binance-raw/spot_btcusdt_20230405.dat.gz"))) {
      if (event.kind === "ticker") ticker = event;
      if (event.kind !== "diff") continue;
      book.apply(event.bids, event.asks);
      seen.diffs++;
      if (book.crossed) seen.crossed++;
      if (book.bids.bestPrice !== ticker.bid || book.asks.bestPrice !== ticker.ask) seen.different++;
    }
    expect(seen).toEqual({ diffs: 3_929, crossed: 0, different: 0 });
  });
});

describe.skipIf(recordingsAbsent)("LOBSTER's own books", () => {
  const [messages = "", books = ""] = recording(
    "lobster/AAPL_2012-06-21_34200000_57600000_message_10.csv",
    "lobster/AAPL_2012-06-21_34200000_57600000_orderbook_10.csv",
  );

  test("[IM17] [FR20] frame n has the book, the trade and the time of row n, and the trade's mid is that of row n - 1", async () => {
    const imported = await importToMemory([messages, books], { intervalMs: 0 });
    const bookRows = (await readFile(books, "utf8")).trimEnd().split("\n");
    const messageRows = (await readFile(messages, "utf8")).trimEnd().split("\n");
    let row = 0;
    for await (const text of framesOf(imported, tapeOf(imported))) {
      const frame = JSON.parse(text);
      const values = (bookRows[row] ?? "").split(",").map(Number);
      const side = (first: number) =>
        Array.from({ length: 10 }, (_, n) => [(values[4 * n + first] ?? 0) / 10_000, values[4 * n + first + 1]]);
      expect(frame.asks).toEqual(side(0));
      expect(frame.bids).toEqual(side(2));
      const [time = "", type = "", , size, price, direction] = (messageRows[row] ?? "").split(",");
      // 9:30 in New York was 13:30 UTC on that day.
      const [seconds = "", fraction = ""] = time.split(".");
      const since = new Date((Number(seconds) + 4 * 3600) * 1000).toISOString().slice(11, 19);
      expect(frame.timestamp).toBe(`2012-06-21T${since}.${fraction.padEnd(9, "0")}Z`);
      const before = (bookRows[row - 1] ?? "").split(",").map(Number);
      const trades = ["4", "5"].includes(type)
        ? [
            {
              timestamp: frame.timestamp,
              price: Number(price) / 10_000,
              size: Number(size),
              side: direction === "1" ? "sell" : "buy",
              mid_price: ((before[0] ?? 0) + (before[2] ?? 0)) / 20_000,
            },
          ]
        : [];
      expect(frame.trades).toEqual(trades);
      row++;
    }
    expect(row).toBe(999);
    expect(tapeOf(imported)).toMatchObject({ trades: 159, bookUpdates: 999, gaps: [] });
  });
});
