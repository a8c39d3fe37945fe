import { expect, test } from "vitest";
import type { NewOrder, NewOrderList } from "../actions.js";
import { limit, ns, TestVenue, words } from "../testing.js";

/** Bids 10 at 99, asks 10 at 101; the last trade was at 100. */
function venue(settings: ConstructorParameters<typeof TestVenue>[0] = {}): TestVenue {
  const made = new TestVenue(settings);
  made.book(1, { bids: [[99, 10]], asks: [[101, 10]] });
  made.trade(1.5, "buy", 100, 1);
  return made;
}

const stop: NewOrder = { id: "stop", side: "sell", type: "STOP", amount: 4, stopPrice: 97 };
const profit = limit("profit", "sell", 105, 4);
const pair: NewOrderList = { others: [stop, profit] };
const place = (market: TestVenue, second: number, list: NewOrderList) =>
  words(market.act({ kind: "place-list", sentNs: ns(second), list }));

test("[MA17] of a pair the first fill of one ends the other", () => {
  const market = venue();
  expect(place(market, 2, pair)).toEqual(["stop accepted", "profit accepted"]);
  expect(words(market.trade(3, "buy", 106, 1))).toEqual(["profit makes 1 at 105", "stop EXPIRED other-order"]);
  expect(words(market.trade(4, "buy", 106, 9))).toEqual(["profit makes 3 at 105", "profit FILLED filled"]);
});

test("[MA17] the trigger of one ends the other, before it is filled", () => {
  const market = venue();
  place(market, 2, pair);
  expect(words(market.trade(3, "sell", 97, 1))).toEqual([
    "stop triggered",
    "profit EXPIRED other-order",
    "stop takes 4 at 99",
    "stop FILLED filled",
  ]);
  const waits = venue();
  place(waits, 2, { others: [stop, { ...profit, type: "TAKE_PROFIT_LIMIT", stopPrice: 104 }] });
  expect(words(waits.trade(3, "buy", 104, 1))).toEqual(["profit triggered", "stop EXPIRED other-order"]);
  expect(words(waits.trade(4, "sell", 90, 1))).toEqual([]);
});

test("[MA17] a cancel of one, or of all, ends both", () => {
  const market = venue();
  place(market, 2, pair);
  expect(words(market.act({ kind: "cancel", sentNs: ns(3), id: "stop" }))).toEqual([
    "stop CANCELED canceled",
    "profit CANCELED canceled",
  ]);
  place(market, 4, pair);
  expect(words(market.act({ kind: "cancel-all", sentNs: ns(5) }))).toEqual([
    "stop CANCELED canceled",
    "profit CANCELED canceled",
  ]);
});

test("[MA18] the others of a list wait until its first order has been filled completely", () => {
  const market = venue();
  const list = { first: limit("first", "buy", 99, 4), others: [stop, profit] };
  market.book(1.7, { bids: [[99, 0]] });
  expect(place(market, 2, list)).toEqual(["first accepted", "stop accepted", "profit accepted"]);
  // It would trigger the stop and fill the limit order, if they were there already.
  market.book(2.5, { bids: [[98, 10]] });
  expect(words(market.trade(3, "sell", 99, 3))).toEqual(["first makes 3 at 99"]);
  expect(words(market.trade(4, "sell", 99, 1))).toEqual([
    "first makes 1 at 99",
    "first FILLED filled",
    "stop activated",
    "profit activated",
  ]);
  expect(words(market.trade(5, "buy", 106, 4))).toEqual([
    "profit makes 4 at 105",
    "profit FILLED filled",
    "stop EXPIRED other-order",
  ]);
});

test("[MA18] a MARKET order follows at once, also where the first one is filled when it arrives", () => {
  const market: NewOrder = { id: "then", side: "sell", type: "MARKET", amount: 4 };
  expect(place(venue(), 2, { first: limit("first", "buy", 101, 4), others: [market] })).toEqual([
    "first accepted",
    "then accepted",
    "first takes 4 at 101",
    "first FILLED filled",
    "then activated",
    "then takes 4 at 99",
    "then FILLED filled",
  ]);
});

test("[MA18] what follows a first order that is filled when it arrives goes to the market once", () => {
  const market = venue();
  place(market, 2, { first: limit("first", "buy", 101, 4), others: [stop, profit] });
  expect(market.engine.state().working.map(({ id, place: at }) => [id, at?.front])).toEqual([
    ["stop", undefined],
    ["profit", 0],
  ]);
  expect(words(market.trade(3, "buy", 105, 9))).toEqual([
    "profit makes 4 at 105",
    "profit FILLED filled",
    "stop EXPIRED other-order",
  ]);
});

test("[MA18] if the first one ends the others do, and what the market does not take when its turn comes ends them", () => {
  const market = venue();
  const first = limit("first", "buy", 101, 12, { timeInForce: "IOC" });
  expect(place(market, 2, { first, others: [stop, profit] })).toEqual([
    "first accepted",
    "stop accepted",
    "profit accepted",
    "first takes 10 at 101",
    "first EXPIRED not-filled-at-once",
    "stop EXPIRED first-order",
    "profit EXPIRED first-order",
  ]);
  place(market, 3, { first: limit("first", "buy", 98, 4), others: [stop, profit] });
  expect(words(market.trade(4, "sell", 96, 4))).toEqual([
    "first makes 4 at 98",
    "first FILLED filled",
    "stop EXPIRED would-trigger",
    "profit EXPIRED other-order",
  ]);
  place(market, 5, { first: limit("first", "buy", 90, 4), others: [profit] });
  expect(words(market.act({ kind: "cancel", sentNs: ns(6), id: "profit" }))).toEqual([
    "profit CANCELED canceled",
    "first CANCELED canceled",
  ]);
});

test("[MA19] a pair holds what the larger of its orders does, and one that waits holds nothing", () => {
  const market = venue({ account: { kind: "spot", base: "0.004", quote: "1" } });
  expect(place(market, 2, pair)).toEqual(["stop accepted", "profit accepted"]);
  expect(market.engine.account).toMatchObject({ lockedBase: 4n });
  expect(words(market.place(3, limit("more", "sell", 110, 1)))).toEqual(["more refused INSUFFICIENT_BALANCE"]);
  market.act({ kind: "cancel-all", sentNs: ns(4) });
  expect(place(market, 5, { first: limit("first", "buy", 90, 4), others: [{ ...stop, amount: 8 }] })).toEqual([
    "first accepted",
    "stop accepted",
  ]);
  expect(market.engine.account).toMatchObject({ lockedBase: 0n, lockedQuote: 360n * 10n ** 8n });
  const poor = venue({ account: { kind: "spot", base: "0", quote: "1" } });
  place(poor, 2, { first: limit("first", "buy", 99, 4), others: [{ ...stop, amount: 5 }] });
  expect(words(poor.trade(3, "sell", 98, 9))).toEqual([
    "first makes 4 at 99",
    "first FILLED filled",
    "stop EXPIRED insufficient-funds",
  ]);
});

test.each<[string, NewOrderList, string]>([
  ["one order alone", { others: [stop] }, "INVALID_LIST"],
  ["a pair of two stops", { others: [stop, { ...stop, id: "b" }] }, "INVALID_LIST"],
  ["a pair of two sides", { others: [stop, { ...profit, side: "buy" }] }, "INVALID_LIST"],
  ["a pair of two amounts", { others: [stop, { ...profit, amount: 5 }] }, "INVALID_LIST"],
  ["a first order at market", { first: { ...stop, id: "f" }, others: [profit] }, "INVALID_LIST"],
  ["an id twice", { first: limit("profit", "buy", 90, 1), others: [profit] }, "DUPLICATE_ID"],
  ["a stop that would trigger", { others: [{ ...stop, stopPrice: 100 }, profit] }, "WOULD_TRIGGER"],
  ["a post-only order that would take", { others: [stop, { ...profit, price: 99, timeInForce: "GTX" }] }, "WOULD_TAKE"],
  ["an order that ends at a time", { others: [stop, { ...profit, expiresNs: ns(9) }] }, "INVALID_LIST"],
  ["a price of none", { others: [stop, { ...profit, price: -1 }] }, "INVALID_PRICE"],
])("[MA17] a list with %s is refused as a whole", (_, list, code) => {
  const market = venue();
  const before = market.engine.state().working;
  expect(new Set(place(market, 2, list).map((each) => each.split(" ").slice(1).join(" ")))).toEqual(
    new Set([`refused ${code}`]),
  );
  expect(market.engine.state().working).toEqual(before);
});

test("[MA17] both orders of a list count as open ones", () => {
  const market = venue({ maxOpenOrders: 2 });
  market.place(2, limit("a", "buy", 90, 1));
  expect(place(market, 3, pair)).toEqual(["stop refused TOO_MANY_ORDERS", "profit refused TOO_MANY_ORDERS"]);
});
