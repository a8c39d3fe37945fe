import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { manifestOf, orderRowsOf, type WholeBook, wholeBooksOf } from "../../../track/orders/testing.js";
import { TestFolder, textOf } from "../../input/testing.js";
import { importToMemory, recording, recordingsAbsent, tapeOf } from "../../test-recordings.js";
import { midnightInNewYork } from "../new-york.js";
import { LobsterOrders } from "./lobster-orders.js";

const folder = new TestFolder();
beforeAll(() => folder.make());
afterAll(() => folder.remove());

const actions = ["", "add", "cancel", "cancel", "execute", "hidden"];

/** A row of an orderbook file as a book, without the levels that do not exist. */
function bookOf(row: string): WholeBook {
  const values = row.split(",").map(Number);
  const side = (first: number) =>
    Array.from({ length: values.length / 4 }, (_, level): [number, number] => [
      (values[4 * level + first] ?? 0) / 10_000,
      values[4 * level + first + 1] ?? 0,
    ]).filter(([, size]) => size > 0);
  return { bids: side(2), asks: side(0) };
}

describe.skipIf(recordingsAbsent)("LOBSTER's sample", () => {
  const [messages = "", books = ""] = recording(
    "lobster/AAPL_2012-06-21_34200000_57600000_message_10.csv",
    "lobster/AAPL_2012-06-21_34200000_57600000_orderbook_10.csv",
  );

  test("[ET30] the track has each row of the message file, as it is there", async () => {
    const imported = await importToMemory([messages, books]);
    const { tape = "" } = tapeOf(imported);
    const midnight = midnightInNewYork("2012-06-21");
    const said = (await readFile(messages, "utf8")).trimEnd().split("\n");
    const rows = await orderRowsOf(imported.store, tape);
    expect(rows).toHaveLength(999);
    expect((await manifestOf(imported.store, tape)).track).toMatchObject({ orders: 999 });
    let before = -1n;
    for (const [at, row] of rows.entries()) {
      const [time = "", type, id = "", size, price, direction] = (said[at] ?? "").split(",");
      const [seconds = "", fraction = ""] = time.split(".");
      const ns = midnight + BigInt(seconds) * 1_000_000_000n + BigInt(fraction.padEnd(9, "0"));
      expect(row).toMatchObject({
        timestamp: ns,
        local_timestamp: ns,
        order_id: BigInt(id),
        action: actions[Number(type)],
        side: direction === "1" ? "bid" : "ask",
        price: Number(price) / 10_000,
        amount: Number(size),
        heard: BigInt(at),
        state: "applied",
        sequence: null,
      });
      expect(row.n).toBeGreaterThan(before);
      before = row.n;
    }
  });

  test("[IM17] the track has each row of the orderbook file, level by level", async () => {
    const imported = await importToMemory([messages, books]);
    const rows = (await readFile(books, "utf8")).trimEnd().split("\n");
    const found = await wholeBooksOf(imported.store, tapeOf(imported).tape ?? "");
    expect(found).toEqual(rows.map(bookOf));
  });
});

test("[IM17] a pair with 50 levels has them all on the track, and its best 10 are those of the pair with 10", async () => {
  const market = marketOf(400);
  const found = [];
  for (const levels of [50, 10]) {
    const name = (kind: string) => `MSFT_2012-06-21_34200000_57600000_${kind}_${levels}.csv`;
    const paths = [
      await folder.file(textOf(market.messages), name("message")),
      await folder.file(textOf(market.books.map((book) => rowOf(book, levels))), name("orderbook")),
    ];
    const imported = await importToMemory(paths);
    found.push(await wholeBooksOf(imported.store, tapeOf(imported).tape ?? ""));
  }
  const [deep = [], shallow = []] = found;
  expect(deep).toEqual(market.books.map((book) => best(book, 50)));
  expect(shallow).toEqual(deep.map((book) => best(book, 10)));
  expect(deep.at(-1)?.bids).toHaveLength(50);
});

function best({ bids, asks }: WholeBook, levels: number): WholeBook {
  return { bids: bids.slice(0, levels), asks: asks.slice(0, levels) };
}

/** Orders that arrive at 60 prices of each side, and the book after each, best first. */
function marketOf(count: number): { messages: string[]; books: WholeBook[] } {
  const sizes = { bids: new Map<number, number>(), asks: new Map<number, number>() };
  const messages: string[] = [];
  const books: WholeBook[] = [];
  for (let n = 0; n < count; n++) {
    const bid = n % 2 === 0;
    // In no order of the prices: 7 and 60 have no common divisor.
    const place = (Math.floor(n / 2) * 7) % 60;
    const price = bid ? 3000 - place : 3001 + place;
    const side = bid ? sizes.bids : sizes.asks;
    side.set(price, (side.get(price) ?? 0) + 1 + (n % 5));
    messages.push(`${34_200 + Math.floor(n / 10)}.${n % 10},1,${n + 1},${1 + (n % 5)},${price * 100},${bid ? 1 : -1}`);
    const levels = (of: Map<number, number>, direction: number) =>
      [...of].sort(([a], [b]) => direction * (a - b)).map(([cents, size]): [number, number] => [cents / 100, size]);
    books.push({ bids: levels(sizes.bids, -1), asks: levels(sizes.asks, 1) });
  }
  return { messages, books };
}

/** A row of an orderbook file: levels that do not exist have LOBSTER's dummy values. */
function rowOf({ bids, asks }: WholeBook, levels: number): string {
  return Array.from({ length: levels }, (_, level) => {
    const [ask, bid] = [asks[level], bids[level]];
    return [
      ...(ask ? [Math.round(ask[0] * 10_000), ask[1]] : [9_999_999_999, 0]),
      ...(bid ? [Math.round(bid[0] * 10_000), bid[1]] : [-9_999_999_999, 0]),
    ];
  })
    .flat()
    .join(",");
}

test("[ET31] what rests of an order is known from its beginning, and of an older one once it is deleted", () => {
  const orders = new LobsterOrders();
  const order = { id: 7, side: "bid", price: 585.25, size: 0 } as const;
  const rests = ([kind, size, id = 7]: readonly [number, number, number?]) =>
    orders.take(kind, 0n, { ...order, id, size }).map(({ action, rest }) => [action, rest]);
  const messages: [number, number, number?][] = [
    [1, 100],
    [2, 30],
    [4, 50],
    [5, 5, 0],
    [3, 20],
    [4, 1],
    [2, 10, 8],
    [3, 10, 8],
    [6, 1],
    [7, 0],
  ];
  expect(messages.flatMap((message) => rests(message))).toEqual([
    ["add", 100],
    ["cancel", 70],
    ["execute", 20],
    ["hidden", undefined],
    ["cancel", 0],
    ["execute", undefined],
    ["cancel", undefined],
    ["cancel", 0],
  ]);
});
