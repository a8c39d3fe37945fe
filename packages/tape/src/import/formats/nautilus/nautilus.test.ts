import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { manifestOf, orderRowsOf } from "../../../track/orders/testing.js";
import { parquetOf, stored } from "../../input/table/testing.js";
import { TestFolder } from "../../input/testing.js";
import { importToMemory, tapeOf } from "../../test-recordings.js";
import { rebuiltBooks, toldMarket, trackIn, type WholeBook } from "../testing.js";
import { type Book, booksOf, type Delta, deltasOf, flags, startNs, tradesOf } from "./testing.js";

const folder = new TestFolder();
beforeAll(() => folder.make());
afterAll(() => folder.remove());

/** A market's book, whole at first and then change by change. */
function deltasOfMarket(count: number): { deltas: Delta[]; books: WholeBook[] } {
  const told = toldMarket(count);
  const first = told[0]?.ms ?? 0;
  const deltas = told.flatMap(({ ms, id, whole, bids, asks }): Delta[] => {
    const when = { event: (ms - first) * 1e6 + 789, sequence: id };
    const rows = [
      ...bids.map((level) => ["buy", level] as const),
      ...asks.map((level) => ["sell", level] as const),
    ].map(
      ([side, [price, size]]): Delta => ({
        ...when,
        action: size === 0 ? "delete" : whole ? "add" : "update",
        ...{ side, price: price.toFixed(2), size: size.toFixed(6), flags: whole ? flags.snapshot : 0 },
      }),
    );
    const all = whole ? [{ ...when, action: "clear", flags: flags.snapshot } as const, ...rows] : rows;
    return all.map((row, at) => (at === all.length - 1 ? { ...row, flags: (row.flags ?? 0) | flags.last } : row));
  });
  return { deltas, books: told.map(({ truth }) => truth) };
}

const { deltas, books } = deltasOfMarket(300);

describe.each(["high", "standard", "early"] as const)("numbers of %s precision", (precision) => {
  test("[IM110] changes of levels make the book that they tell, exactly, with the trades beside it", async () => {
    const trades = [
      { price: "1000.25", size: "0.100000", aggressor: 1, id: "a-1", event: 150e6 },
      { price: "1000.00", size: "12345.654321", aggressor: 2, id: "a-2", event: 250e6 },
      { price: "1000.00", size: "1.000000", aggressor: 0, id: "a-3", event: 250e6 },
    ] as const;
    const paths = [await folder.file(deltasOf(deltas, precision)), await folder.file(tradesOf(trades, precision))];
    const imported = await importToMemory(paths, { intervalMs: 0 });
    const tape = tapeOf(imported);
    expect(tape).toMatchObject({
      symbol: "BTCUSDT",
      source: "BINANCE",
      gaps: [],
      from: "2024-08-08T23:54:00.000000789Z",
    });
    const rebuilt: WholeBook[] = [];
    for await (const book of rebuiltBooks(imported, tape)) rebuilt.push(book);
    expect(rebuilt).toEqual(books);
    const heard: unknown[] = [];
    for await (const event of (await trackIn(imported, tape)).events()) {
      if (event.kind === "trade") heard.push([Number(event.price), Number(event.amount), event.side, event.id]);
    }
    expect(heard).toEqual([
      [1000.25, 0.1, "buy", "a-1"],
      [1000, 12345.654321, "sell", "a-2"],
      [1000, 1, "unknown", "a-3"],
    ]);
  });

  test("[IM110] [ET6] ten levels a side, and quotes, are whole books, and the track says how deep they are", async () => {
    const rows = books.slice(0, 50).map(({ bids, asks }, n): Book => {
      const level = ([price, size]: readonly [number, number]) => [price.toFixed(2), size.toFixed(6)] as const;
      return { bids: bids.slice(0, n === 7 ? 3 : 10).map(level), asks: asks.slice(0, 10).map(level), event: n * 1e8 };
    });
    for (const [kind, depth] of [["depth10", 10] as const, ["quotes", 1] as const]) {
      const imported = await importToMemory([await folder.file(booksOf(rows, kind, precision))], { intervalMs: 0 });
      const tape = tapeOf(imported);
      const rebuilt: WholeBook[] = [];
      for await (const book of rebuiltBooks(imported, tape)) rebuilt.push(book);
      const levels = (side: Book["bids"]) => side.slice(0, depth).map(([price, size]) => [Number(price), Number(size)]);
      expect(rebuilt).toEqual(rows.map(({ bids, asks }) => ({ bids: levels(bids), asks: levels(asks) })));
      expect((await manifestOf(imported.store, tape.tape ?? "")).track).toMatchObject({ depth });
    }
  });
});

test("[IM110] without marks of the last row, rows of the same times are one message", async () => {
  const unmarked = deltas.map(({ flags: _, ...row }) => row);
  const imported = await importToMemory([await folder.file(deltasOf(unmarked))], { intervalMs: 0 });
  const rebuilt: WholeBook[] = [];
  for await (const book of rebuiltBooks(imported, tapeOf(imported))) rebuilt.push(book);
  expect(rebuilt).toEqual(books);
});

test("[IM110] [ET30] rows with order ids are orders: levels are their sums, and the track has them", async () => {
  const last = { flags: flags.last };
  const order = { price: "100.00", size: "2.000000", side: "buy" } as const;
  const large = 2n ** 64n - 1n;
  const rows: Delta[] = [
    { action: "clear", event: 1, flags: flags.snapshot },
    { ...order, action: "add", id: 1n, event: 1, flags: flags.snapshot },
    { ...order, action: "add", id: large, side: "sell", price: "101.00", event: 1, flags: flags.snapshot | flags.last },
    { ...order, action: "add", id: 3n, event: 1e9, ...last },
    { ...order, action: "update", id: 1n, size: "0.500000", event: 2e9, ...last },
    { action: "delete", side: "buy", id: 3n, event: 3e9, ...last },
    { action: "delete", side: "buy", id: 9n, event: 3e9, ...last },
  ];
  const imported = await importToMemory([await folder.file(deltasOf(rows))], { intervalMs: 0 });
  const tape = tapeOf(imported);
  const rebuilt: WholeBook[] = [];
  for await (const book of rebuiltBooks(imported, tape)) rebuilt.push(book);
  expect(rebuilt.map(({ bids }) => bids)).toEqual([[[100, 2]], [[100, 4]], [[100, 2.5]], [[100, 0.5]]]);
  const said = await orderRowsOf(imported.store, tape.tape ?? "");
  expect(said.map(({ action, order_id, amount, rest }) => [action, order_id, amount, rest])).toEqual([
    ["clear", 0n, 0, null],
    ["add", 1n, 2, 2],
    ["add", large, 2, 2],
    ["add", 3n, 2, 2],
    ["modify", 1n, 0.5, 0.5],
    ["cancel", 3n, 2, 0],
  ]);
  expect(imported.report.ignoredLines).toEqual({ "removal of an order that is not known": 1 });
});

test("[IM110] of several books of an instrument the deepest is used, and the report names the others", async () => {
  const rows: Book[] = [{ bids: [["99.00", "1"]], asks: [["101.00", "1"]], event: 5 }];
  const paths = [
    await folder.file(deltasOf(deltas), "deltas.parquet"),
    await folder.file(booksOf(rows, "quotes"), "quotes.parquet"),
  ];
  const { report } = await importToMemory(paths);
  expect(report.notices).toEqual(["quotes.parquet was left out: another file has a deeper book of BTCUSDT."]);
});

test("[IM110] [IM15] broken rows are named with what was found, other kinds of files with what is accepted", async () => {
  const rows = deltas.map((row, n) =>
    n === 60 ? { ...row, price: String(2n ** 127n - 1n).replace(/(\d{16})$/, ".$1") } : row,
  );
  const { report } = await importToMemory([await folder.file(deltasOf(rows))]);
  expect(report.brokenLines).toMatchObject({ count: 1, first: [{ line: 62, reason: "price is undefined" }] });
  const times = { element: stored.unsigned, values: [startNs] };
  const bars = parquetOf({
    columns: { open: { element: stored.double, values: [1] }, ts_event: times, ts_init: times },
  });
  await expect(importToMemory([await folder.file(bars, "bar.parquet")])).rejects.toThrow(
    "bar.parquet is a file of nautilus_trader without a book or trades: order_book_delta, order_book_depth10, quote_tick and trade_tick are accepted.",
  );
});
