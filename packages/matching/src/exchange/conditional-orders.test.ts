import { expect, test } from "vitest";
import type { NewOrder } from "../actions.js";
import { limit, ns, TestVenue, venueWithBook, words } from "../testing.js";

/** With a last trade at 100. */
function venue(settings: Parameters<typeof venueWithBook>[0] = {}): TestVenue {
  const made = venueWithBook(settings);
  made.trade(1.5, "buy", 100, 1);
  return made;
}

test("[MA12] a take profit waits for a price that is better for its owner", () => {
  const market = venue();
  market.place(2, { id: "a", side: "buy", type: "TAKE_PROFIT", amount: 4, stopPrice: 97 });
  market.place(3, { id: "b", side: "sell", type: "TAKE_PROFIT_LIMIT", amount: 4, stopPrice: 103, price: 99 });
  expect(words(market.trade(4, "buy", 102, 1))).toEqual([]);
  expect(words(market.trade(5, "sell", 98, 1))).toEqual([]);
  expect(words(market.trade(6, "buy", 104, 1))).toEqual(["b triggered", "b takes 4 at 99", "b FILLED filled"]);
  expect(words(market.trade(7, "sell", 97, 1))).toEqual(["a triggered", "a takes 4 at 101", "a FILLED filled"]);
});

test.each(["buy", "sell"] as const)("[MA12] a %s take profit that would trigger at once is refused", (side) => {
  const order: NewOrder = { id: "a", side, type: "TAKE_PROFIT", amount: 1, stopPrice: 100 };
  expect(words(venue().place(2, order))).toEqual(["a refused WOULD_TRIGGER"]);
});

test("[MA15] a market order by its cost takes the whole lots that the cost pays for", () => {
  const market = venue();
  // 10 at 101 are 1,010; 9 more at 102 are 918 of the 1,000 that are left, and a tenth is too much.
  const [accepted, ...rest] = market.place(2, { id: "a", side: "buy", type: "MARKET", amount: 0, quoteAmount: 2_010n });
  expect(accepted).toMatchObject({ kind: "accepted", amount: 19 });
  expect(words(rest)).toEqual(["a takes 10 at 101", "a takes 9 at 102", "a FILLED filled"]);
  const lots = venue({ instrument: { priceDecimals: 1, amountDecimals: 3, tick: 1, lot: 5 } });
  expect(words(lots.place(2, { id: "b", side: "sell", type: "MARKET", amount: 0, quoteAmount: 1_000n }))).toEqual([
    "b accepted",
    "b takes 10 at 99",
    "b FILLED filled",
  ]);
});

test("[MA15] what the book does not offer of it expires, reckoned at the worst price, and with whole fills all is at the best", () => {
  const order: NewOrder = { id: "a", side: "buy", type: "MARKET", amount: 0, quoteAmount: 1_010n + 2_040n + 1_020n };
  const [accepted, ...rest] = venue().place(2, order);
  expect(accepted).toMatchObject({ amount: 40 });
  expect(words(rest)).toEqual(["a takes 10 at 101", "a takes 20 at 102", "a EXPIRED no-liquidity"]);
  const whole = venue({ fills: "whole" }).place(2, { ...order, quoteAmount: 5_050n });
  expect(words(whole)).toEqual(["a accepted", "a takes 50 at 101", "a FILLED filled"]);
});

test("[MA15] an order by its cost that pays for no lot, or that says an amount too, is refused", () => {
  const order: NewOrder = { id: "a", side: "buy", type: "MARKET", amount: 0, quoteAmount: 100n };
  const refused = (more: Partial<NewOrder>) => words(venue().place(2, { ...order, ...more }));
  expect(refused({})).toEqual(["a refused INVALID_AMOUNT"]);
  expect(refused({ quoteAmount: 0n })).toEqual(["a refused INVALID_AMOUNT"]);
  expect(refused({ amount: 1, quoteAmount: 1_000n })).toEqual(["a refused FIELD_NOT_ALLOWED"]);
  expect(refused({ type: "LIMIT", price: 100, quoteAmount: 1_000n })).toEqual(["a refused FIELD_NOT_ALLOWED"]);
  const empty = new TestVenue().place(2, order);
  expect(words(empty)).toEqual(["a refused INVALID_AMOUNT"]);
});

test("[MA16] an order that closes the position has the position's amount when it is triggered", () => {
  const market = venue();
  const closing = { type: "STOP", amount: 0, closePosition: true } as const;
  market.place(2, { id: "open", side: "buy", type: "MARKET", amount: 7 });
  expect(words(market.place(3, { ...closing, id: "a", side: "sell", stopPrice: 97 }))).toEqual(["a accepted"]);
  market.place(4, { id: "more", side: "buy", type: "MARKET", amount: 5 });
  const [triggered, ...rest] = market.trade(5, "sell", 97, 1);
  expect(triggered).toMatchObject({ kind: "triggered", amount: 12 });
  expect(words(rest)).toEqual(["a takes 10 at 99", "a takes 2 at 98", "a FILLED filled"]);
  expect(market.engine.account).toMatchObject({ position: 0 });
});

test("[MA16] without a position on its side it expires, and it binds no margin while it waits", () => {
  const market = venue({ account: { kind: "futures", wallet: "1", leverage: 1 } });
  const closing = { type: "TAKE_PROFIT", amount: 0, closePosition: true } as const;
  expect(words(market.place(2, { ...closing, id: "a", side: "sell", stopPrice: 110 }))).toEqual(["a accepted"]);
  market.place(3, limit("short", "sell", 99, 1));
  expect(words(market.trade(4, "buy", 110, 1))).toEqual(["a triggered", "a EXPIRED no-position"]);
  const spot = venue({ account: { kind: "spot", base: "1", quote: "1" } });
  expect(words(spot.place(2, { ...closing, id: "b", side: "sell", stopPrice: 110 }))).toEqual([
    "b refused FIELD_NOT_ALLOWED",
  ]);
  expect(
    words(market.place(5, { ...closing, id: "c", side: "buy", type: "TAKE_PROFIT_LIMIT", stopPrice: 1, price: 1 })),
  ).toEqual(["c refused FIELD_NOT_ALLOWED"]);
});

test("[MA3] orders by their cost, and those that close a position, survive in the engine's state while they are on their way", () => {
  const settings = {
    latency: { entry: { kind: "constant", ns: 500_000_000 }, response: { kind: "constant", ns: 0 } },
  } as const;
  const market = venue(settings);
  market.engine.submit({
    kind: "place",
    sentNs: ns(2),
    order: { id: "a", side: "buy", type: "MARKET", amount: 0, quoteAmount: 505n },
  });
  const state: unknown = JSON.parse(JSON.stringify(market.engine.state()));
  expect(state).toMatchObject({ inbox: [{ action: { order: { quoteAmount: "505" } } }] });
});

const replacement = (id: string, change: { stopPrice?: number; price?: number; amount: number }, second = 3) =>
  ({ kind: "replace", sentNs: ns(second), id, ...change }) as const;

test("[MA13] an order that waits gets another stop price, amount and price, and is triggered there", () => {
  const market = venue();
  market.place(2, { id: "a", side: "sell", type: "STOP", amount: 4, stopPrice: 95 });
  market.place(2.5, { id: "b", side: "sell", type: "STOP_LIMIT", amount: 4, stopPrice: 95, price: 95 });
  const [replaced] = market.act(replacement("a", { stopPrice: 97, amount: 6 }));
  expect(replaced).toMatchObject({ kind: "replaced", id: "a", stopPrice: 97, price: undefined, amount: 6 });
  expect(market.act(replacement("b", { stopPrice: 94, price: 99, amount: 5 }, 3.5))).toMatchObject([{ stopPrice: 94 }]);
  expect(words(market.trade(4, "sell", 97, 1))).toEqual(["a triggered", "a takes 6 at 99", "a FILLED filled"]);
  expect(words(market.trade(5, "sell", 95, 1))).toEqual([]);
  expect(words(market.trade(6, "sell", 94, 1))).toEqual(["b triggered", "b takes 4 at 99"]);
});

test("[MA13] an order that closes the position keeps its place with another stop price", () => {
  const market = venue({ account: { kind: "futures", wallet: "1000000", leverage: 10 } });
  market.place(2, { id: "a", side: "buy", type: "MARKET", amount: 3 });
  market.place(2.5, { id: "b", side: "sell", type: "STOP", amount: 0, closePosition: true, stopPrice: 90 });
  expect(words(market.act(replacement("b", { stopPrice: 98, amount: 1 })))).toEqual(["b refused FIELD_NOT_ALLOWED"]);
  expect(words(market.act(replacement("b", { stopPrice: 98, amount: 0 }, 3.5)))).toEqual(["b replaced"]);
  expect(words(market.trade(4, "sell", 98, 1))).toEqual(["b triggered", "b takes 3 at 99", "b FILLED filled"]);
});

test.each([
  [{ stopPrice: 100, amount: 4 }, "WOULD_TRIGGER"],
  [{ stopPrice: 0, amount: 4 }, "INVALID_PRICE"],
  [{ stopPrice: 96, amount: 0 }, "INVALID_AMOUNT"],
  [{ stopPrice: 96, price: 96, amount: 4 }, "FIELD_NOT_ALLOWED"],
  [{ amount: 4 }, "NOT_RESTING"],
])("[MA14] a replacement of a waiting order with %o is refused with %s, and changes nothing", (change, code) => {
  const market = venue();
  market.place(2, { id: "a", side: "sell", type: "STOP", amount: 4, stopPrice: 95 });
  const { working } = market.engine.state();
  expect(words(market.act(replacement("a", change)))).toEqual([`a refused ${code}`]);
  expect(market.engine.state().working).toEqual(working);
});

test("[MA14] an order that rests, also one that was triggered, has no stop price any more", () => {
  const market = venue();
  market.place(2, { id: "a", side: "sell", type: "STOP_LIMIT", amount: 4, stopPrice: 98, price: 105 });
  expect(words(market.trade(2.5, "sell", 98, 1))).toEqual(["a triggered"]);
  expect(words(market.act(replacement("a", { stopPrice: 97, price: 104, amount: 4 })))).toEqual([
    "a refused FIELD_NOT_ALLOWED",
  ]);
  expect(words(market.act(replacement("a", { price: 104, amount: 4 }, 3.5)))).toEqual(["a replaced"]);
});
