import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { orderRowsOf } from "../../../track/orders/testing.js";
import { TestFolder } from "../../input/testing.js";
import { importToMemory, tapeOf } from "../../test-recordings.js";
import { rebuiltBooks, trackIn, type WholeBook } from "../testing.js";
import { type ItchMessage, itchOf, openNs, someItch } from "./testing.js";

const folder = new TestFolder();
beforeAll(() => folder.make());
afterAll(() => folder.remove());

let files = 0;
const written = (messages: readonly ItchMessage[], market = "NASDAQ") =>
  folder.file(itchOf(messages), `0130201${++files % 10}.${market}_ITCH50`);

interface Truth {
  /** After each message that changes an order that rests. */
  readonly books: WholeBook[];
  readonly trades: { readonly price: number; readonly amount: number; readonly side: string; readonly id: string }[];
  /** What rests of each order after its rows. */
  readonly orders: {
    readonly action: string;
    readonly id: bigint;
    readonly amount: number;
    readonly rest: number | null;
  }[];
}

/** One stock's books, rebuilt by a loop over the messages. */
function truthOf(messages: readonly ItchMessage[], stock: string): Truth {
  const resting = new Map<bigint, { side: "B" | "S"; price: number; shares: number }>();
  const truth: Truth = { books: [], trades: [], orders: [] };
  const sum = (side: "B" | "S", direction: number) => {
    const levels = new Map<number, number>();
    for (const order of resting.values()) {
      if (order.side === side) levels.set(order.price / 1e4, (levels.get(order.price / 1e4) ?? 0) + order.shares);
    }
    return [...levels].sort(([a], [b]) => direction * (a - b));
  };
  const taken = (id: bigint, shares: number, action: string) => {
    const order = resting.get(id);
    if (order === undefined) return;
    if (order.shares === shares) resting.delete(id);
    else resting.set(id, { ...order, shares: order.shares - shares });
    truth.orders.push({ action, id, amount: shares, rest: order.shares - shares });
  };
  const taker = (id: bigint) => (resting.get(id)?.side === "B" ? "sell" : "buy");
  for (const message of messages) {
    if (message.stock !== stock) continue;
    if (message.kind === "P") {
      truth.trades.push({
        price: message.price / 1e4,
        amount: message.shares,
        side: "unknown",
        id: String(message.match),
      });
      truth.orders.push({ action: "hidden", id: 0n, amount: message.shares, rest: null });
      continue;
    }
    if (message.kind === "A" || message.kind === "F") {
      resting.set(message.id, message);
      truth.orders.push({ action: "add", id: message.id, amount: message.shares, rest: message.shares });
    } else if (message.kind === "E" || message.kind === "C") {
      const price = message.kind === "C" ? message.price : (resting.get(message.id)?.price ?? 0);
      const trade = { price: price / 1e4, amount: message.shares, side: taker(message.id), id: String(message.match) };
      if (message.kind === "E" || message.printed) truth.trades.push(trade);
      taken(message.id, message.shares, "execute");
    } else if (message.kind === "X") taken(message.id, message.shares, "cancel");
    else if (message.kind === "D") taken(message.id, resting.get(message.id)?.shares ?? 0, "cancel");
    else if (message.kind === "U") {
      const { side = "B", shares = 0 } = resting.get(message.id) ?? {};
      taken(message.id, shares, "cancel");
      resting.set(message.next, { side, price: message.price, shares: message.shares });
      truth.orders.push({ action: "add", id: message.next, amount: message.shares, rest: message.shares });
    } else continue;
    truth.books.push({ bids: sum("B", -1), asks: sum("S", 1) });
  }
  return truth;
}

test("[IM108] [ET30] [ET31] each stock of a file becomes a tape with its book at every message, its trades and its orders", async () => {
  const messages = someItch(3_000);
  const imported = await importToMemory([await written(messages)], { intervalMs: 0 });
  expect(imported.report).toMatchObject({ lines: messages.length, formats: ["itch"], notices: [] });
  for (const stock of ["AAPL", "MSFT"]) {
    const tape = tapeOf(imported, stock);
    const truth = truthOf(messages, stock);
    expect(tape).toMatchObject({ source: "NASDAQ", gaps: [], duplicates: 0, outOfOrder: { book: 0, trades: 0 } });
    const books: WholeBook[] = [];
    for await (const book of rebuiltBooks(imported, tape)) books.push(book);
    expect(books).toEqual(truth.books);
    const trades: unknown[] = [];
    for await (const event of (await trackIn(imported, tape)).events()) {
      if (event.kind !== "trade") continue;
      const { price, amount, side, id } = event;
      trades.push({ price: Number(price), amount: Number(amount), side, id });
    }
    expect(trades).toEqual(truth.trades);
    const rows = await orderRowsOf(imported.store, tape.tape ?? "");
    // No message says that the day begins with no order.
    expect(rows[0]).toMatchObject({ action: "clear", state: "derived" });
    const said = rows.slice(1).map(({ action, order_id: id, amount, rest }) => ({ action, id, amount, rest }));
    expect(said).toEqual(truth.orders);
  }
});

test("[IM108] [IM14] times are the venue's, in New York, to the nanosecond; `sequence` is the number of the message", async () => {
  const messages: ItchMessage[] = [
    { kind: "S", event: "O", ns: 0 },
    { kind: "A", stock: "AAPL", ns: openNs + 1, id: 2n ** 64n - 1n, side: "B", shares: 100, price: 1_234_567 },
    { kind: "A", stock: "AAPL", ns: openNs + 2, id: 2n, side: "S", shares: 50, price: 2_000_000 },
  ];
  const path = await folder.file(gzipSync(itchOf(messages)), "07302019.NASDAQ_ITCH50.gz");
  const imported = await importToMemory([path], { intervalMs: 0 });
  const tape = tapeOf(imported);
  expect(tape).toMatchObject({ symbol: "AAPL", from: "2019-07-30T13:30:00.000000002Z" });
  const [, first, second] = await orderRowsOf(imported.store, tape.tape ?? "");
  expect(first).toMatchObject({ order_id: 2n ** 64n - 1n, price: 123.4567, sequence: 2n });
  expect(second).toMatchObject({ order_id: 2n, sequence: 3n });
});

test.each([
  ["20190530.BX_ITCH_50", "NASDAQ-TEXAS", "2019-05-30"],
  ["20190530.PSX_ITCH_50", "NASDAQ-PSX", "2019-05-30"],
  ["S013020-v50.txt", "NASDAQ", "2020-01-30"],
  ["itch-2019-12-30.bin", "NASDAQ", "2019-12-30"],
])("[IM108] the name of %s tells market and day", async (name, source, day) => {
  const imported = await importToMemory([await folder.file(itchOf(someItch(60, ["AAPL"])), name)]);
  const tape = tapeOf(imported);
  expect([tape.source, tape.from?.slice(0, 10)]).toEqual([source, day]);
});

test("[IM108] a file whose name has no day needs --date", async () => {
  const path = await folder.file(itchOf(someItch(60)), "itch.bin");
  await expect(importToMemory([path])).rejects.toThrow("itch.bin does not name its day: give --date");
  const { report } = await importToMemory([path], { date: "2019-01-30", symbol: "MSFT" });
  expect(tapeOf({ report }).from).toMatch(/^2019-01-30T14:30/);
});

test("[IM2] [IM107] one stock of many is chosen by --symbol, and a refusal names those that there are", async () => {
  const stocks = Array.from({ length: 120 }, (_, n) => `S${n}`);
  const path = await written(someItch(4_000, stocks));
  await expect(importToMemory([path])).rejects.toThrow(/has more than 100 instruments: choose one with --symbol/);
  await expect(importToMemory([path], { symbol: "ZZZ" })).rejects.toThrow(
    /does not contain ZZZ; it contains S0, S1, S10/,
  );
  const imported = await importToMemory([path], { symbol: "s7", intervalMs: 0 });
  const books: WholeBook[] = [];
  for await (const book of rebuiltBooks(imported, tapeOf(imported, "S7"))) books.push(book);
  expect(books).toEqual(truthOf(someItch(4_000, stocks), "S7").books);
});

test("[IM109] a quiet stock has no gap while the file has messages of others", async () => {
  const order = { kind: "A", stock: "AAPL", shares: 10 } as const;
  const others = Array.from({ length: 20_000 }, (_, n): ItchMessage => {
    const id = BigInt(n + 10);
    return { kind: "A", stock: "MSFT", ns: openNs + n * 1e6 + 2, id, side: "B", shares: 1, price: 500_000 };
  });
  const messages: ItchMessage[] = [
    { kind: "S", event: "O", ns: 1 },
    { ...order, ns: openNs, id: 1n, side: "B", price: 990_000 },
    { ...order, ns: openNs + 1, id: 2n, side: "S", price: 1_000_000 },
    ...others,
    { ...order, ns: openNs + 20e9, id: 3n, side: "B", price: 991_000 },
  ];
  const alone = messages.filter(({ stock }) => stock !== "MSFT");
  const { report } = await importToMemory([await written(messages)], { symbol: "AAPL" });
  expect(tapeOf({ report })).toMatchObject({ gaps: [] });
  const quiet = await importToMemory([await written(alone)], { symbol: "AAPL" });
  expect(tapeOf(quiet).gaps).toHaveLength(1);
});

test("[IM108] crosses are trades, their executions are not; halts and broken trades are reported", async () => {
  const order = { kind: "A", stock: "AAPL", shares: 300 } as const;
  const messages: ItchMessage[] = [
    { kind: "S", event: "O", ns: 1 },
    { ...order, ns: openNs, id: 1n, side: "B", price: 990_000 },
    { ...order, ns: openNs + 1, id: 2n, side: "S", price: 1_000_000 },
    { kind: "C", stock: "AAPL", ns: openNs + 5, id: 1n, shares: 100, match: 7n, printed: false, price: 995_000 },
    { kind: "Q", stock: "AAPL", ns: openNs + 6, shares: 5_000_000_000n, price: 995_000, match: 7n },
    { kind: "H", stock: "AAPL", ns: openNs + 1e9, state: "P", reason: "LUDP" },
    { kind: "B", stock: "AAPL", ns: openNs + 2e9, match: 7n },
    { kind: "H", stock: "AAPL", ns: openNs + 3e9, state: "T" },
    { kind: "X", stock: "AAPL", ns: openNs + 3e9, id: 9n, shares: 100 },
    { kind: "D", stock: "AAPL", ns: openNs + 3e9, id: 2n },
  ];
  const path = await folder.file(itchOf(messages), "01302019.NASDAQ_ITCH50");
  const imported = await importToMemory([path], { intervalMs: 0 });
  const { report } = imported;
  expect(tapeOf({ report })).toMatchObject({ trades: 1, gaps: [] });
  expect(report.notices).toEqual([
    "AAPL was paused from 2019-01-30T14:30:01.000Z (LUDP).",
    "AAPL traded again from 2019-01-30T14:30:03.000Z.",
  ]);
  expect(report.ignoredLines).toEqual({
    "execution that is part of a cross, no trade of its own": 1,
    "trade that the venue declared broken later, on the tape as it was when it happened": 1,
    "cancellation of an order that is not known": 1,
  });
  for await (const event of (await trackIn(imported, tapeOf(imported))).events()) {
    if (event.kind === "trade") expect(event).toMatchObject({ price: "99.5", amount: "5000000000", side: "unknown" });
  }
});

test("[IM108] a file that does not begin with the day says that earlier orders are missing", async () => {
  const messages = someItch(400, ["AAPL"]);
  const { report } = await importToMemory([await written(messages.slice(60))]);
  expect(report.notices).toEqual([
    expect.stringMatching(/ITCH50 does not begin with the day, so its books lack orders that rested before/),
  ]);
  expect(report.ignoredLines).toHaveProperty("cancellation of an order that is not known");
});

test("[IM30] [IM106] a file that ends within a message, or loses its place, cannot be read to its end", async () => {
  const bytes = Buffer.from(itchOf(someItch(200, ["AAPL"])));
  const cut = await folder.file(bytes.subarray(0, -3), "01302019.cut.itch");
  await expect(importToMemory([cut])).rejects.toThrow(
    /cannot be read to its end: after line 202, received at .* the next message ends in the middle/,
  );
  const partial = await importToMemory([cut], { keepPartial: true });
  expect(tapeOf(partial).tape).toBeDefined();
  const damaged = Buffer.from(bytes);
  damaged.writeUInt16BE(31, 14 + 41 + 27); // the length of the first order, of 36 bytes
  await expect(importToMemory([await folder.file(damaged, "01302019.damaged.itch")])).rejects.toThrow(
    /after 3 lines, the next message says that it has 31 bytes, and messages of type "[AF]" have (36|40)/,
  );
});

test("[IM108] earlier versions are refused by their name", async () => {
  const seconds = Buffer.from([0, 5, 0x54, 0, 0, 0x2a, 0x30, 0, 6, 0x53, 0, 0, 0, 0, 0x4f]);
  await expect(importToMemory([await folder.file(seconds, "09142012.itch41")])).rejects.toThrow(
    "09142012.itch41 is a file of ITCH 4.1 or earlier: ITCH 5.0 is accepted.",
  );
});
