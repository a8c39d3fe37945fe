import { expect, test } from "vitest";
import type { NewOrder } from "../actions.js";
import { limit, ns, venueWithBook as venue, words } from "../testing.js";

test("[MA10] a market order takes level after level, and what nobody offers expires", () => {
  const outputs = venue().place(2, { id: "a", side: "buy", type: "MARKET", amount: 35 });
  expect(words(outputs)).toEqual(["a accepted", "a takes 10 at 101", "a takes 20 at 102", "a EXPIRED no-liquidity"]);
});

test("[MA11] a limit order takes up to its price and rests with what is left", () => {
  const market = venue();
  expect(words(market.place(2, limit("a", "buy", 101, 15)))).toEqual(["a accepted", "a takes 10 at 101"]);
  expect(words(market.trade(3, "sell", 101, 3))).toEqual(["a makes 3 at 101"]);
  expect(words(market.trade(4, "sell", 100, 9))).toEqual(["a makes 2 at 101", "a FILLED filled"]);
});

test("[MA11] IOC lets the rest expire, FOK takes all or nothing, GTX takes nothing", () => {
  const market = venue();
  expect(words(market.place(2, limit("a", "sell", 99, 15, { timeInForce: "IOC" })))).toEqual([
    "a accepted",
    "a takes 10 at 99",
    "a EXPIRED not-filled-at-once",
  ]);
  expect(words(market.place(3, limit("b", "sell", 98, 21, { timeInForce: "FOK" })))).toEqual([
    "b accepted",
    "b EXPIRED not-filled-at-once",
  ]);
  expect(words(market.place(4, limit("c", "sell", 98, 20, { timeInForce: "FOK" })))).toEqual([
    "c accepted",
    "c takes 20 at 98",
    "c FILLED filled",
  ]);
  expect(words(market.place(5, limit("d", "buy", 101, 1, { timeInForce: "GTX" })))).toEqual([
    "d accepted",
    "d EXPIRED would-take",
  ]);
  expect(words(market.place(6, limit("e", "buy", 100, 1, { timeInForce: "GTX" })))).toEqual(["e accepted"]);
});

test("[MA12] stop orders arrive after the trade that reaches their price, in their order", () => {
  const market = venue();
  market.trade(2, "buy", 101, 1);
  const stop = { side: "buy", type: "STOP", amount: 4 } as const;
  market.place(3, { ...stop, id: "a", stopPrice: 103 });
  market.place(4, { ...stop, id: "b", stopPrice: 102 });
  market.place(5, { ...stop, id: "c", type: "STOP_LIMIT", stopPrice: 102, price: 101 });
  expect(words(market.trade(6, "sell", 101, 1))).toEqual([]);
  expect(words(market.trade(7, "buy", 102, 1))).toEqual([
    "b triggered",
    "b takes 4 at 101",
    "b FILLED filled",
    "c triggered",
    "c takes 4 at 101",
    "c FILLED filled",
  ]);
  expect(words(market.trade(8, "buy", 110, 1))).toEqual([
    "a triggered",
    "a takes 2 at 101",
    "a takes 2 at 102",
    "a FILLED filled",
  ]);
});

test("[MA12] a stop order that would trigger at once is refused", () => {
  const market = venue();
  market.trade(2, "buy", 101, 1);
  const stop = { type: "STOP", amount: 1, stopPrice: 101 } as const;
  expect(words(market.place(3, { ...stop, id: "a", side: "buy" }))).toEqual(["a refused WOULD_TRIGGER"]);
  expect(words(market.place(4, { ...stop, id: "a", side: "sell" }))).toEqual(["a refused WOULD_TRIGGER"]);
});

test("[MA13] cancel ends one order, cancel all every one", () => {
  const market = venue();
  for (const [at, id] of ["a", "b", "c"].entries()) market.place(2 + at, limit(id, "buy", 90 + at, 1));
  expect(words(market.act({ kind: "cancel", sentNs: ns(10), id: "b" }))).toEqual(["b CANCELED canceled"]);
  expect(words(market.act({ kind: "cancel", sentNs: ns(11), id: "b" }))).toEqual(["b refused UNKNOWN_ORDER"]);
  expect(words(market.act({ kind: "cancel-all", sentNs: ns(12) }))).toEqual([
    "a CANCELED canceled",
    "c CANCELED canceled",
  ]);
  expect(words(market.trade(13, "sell", 80, 100))).toEqual([]);
});

test("[MA13] replacing keeps the place in the queue for less at the same price, and gives it up otherwise", () => {
  const replace = (price: number, amount: number) => {
    const market = venue();
    market.place(2, limit("a", "buy", 99, 5));
    market.trade(3, "sell", 99, 10);
    market.book(4, { bids: [[99, 7]] });
    const [replaced] = market.act({ kind: "replace", sentNs: ns(5), id: "a", price, amount });
    return [replaced?.kind === "replaced" && replaced.keptPlace, words(market.trade(6, "sell", 99, 4))];
  };
  expect(replace(99, 4)).toEqual([true, ["a makes 4 at 99", "a FILLED filled"]]);
  expect(replace(99, 6)).toEqual([false, []]);
  const market = venue();
  market.place(2, limit("a", "buy", 90, 5));
  expect(words(market.act({ kind: "replace", sentNs: ns(3), id: "a", price: 101, amount: 3 }))).toEqual([
    "a replaced",
    "a takes 3 at 101",
    "a FILLED filled",
  ]);
});

const filters = {
  priceDecimals: 1,
  amountDecimals: 3,
  tick: 5,
  lot: 2,
  minAmount: 4,
  maxAmount: 100,
  minNotional: "0.1",
};
const refused: [order: Partial<NewOrder>, code: string, message: string][] = [
  [{ id: "" }, "MISSING_FIELD", "id: an order needs one of 1 to 64 characters"],
  [{ price: undefined }, "MISSING_FIELD", "price: an order of type LIMIT needs one"],
  [{ stopPrice: 5 }, "FIELD_NOT_ALLOWED", "stopPrice: an order of type LIMIT has none"],
  [{ type: "STOP", price: undefined }, "MISSING_FIELD", "stopPrice: an order of type STOP needs one"],
  [{ type: "MARKET" }, "FIELD_NOT_ALLOWED", "price: an order of type MARKET has none"],
  [
    { type: "MARKET", price: undefined, timeInForce: "IOC" },
    "FIELD_NOT_ALLOWED",
    "timeInForce: an order of type MARKET has none",
  ],
  [{ price: 91 }, "INVALID_PRICE", "price: 91 is not a positive multiple of the tick, 5"],
  [{ price: -5 }, "INVALID_PRICE", "price: -5 is not a positive multiple of the tick, 5"],
  [{ amount: 21 }, "INVALID_AMOUNT", "amount: 21 is not a positive multiple of the lot, 2"],
  [{ amount: 0 }, "INVALID_AMOUNT", "amount: 0 is not a positive multiple of the lot, 2"],
  [{ amount: 2 }, "INVALID_AMOUNT", "amount: 2 is below the least, 4"],
  [{ amount: 102 }, "INVALID_AMOUNT", "amount: 102 is above the largest, 100"],
  [{ amount: 10 }, "MIN_NOTIONAL", "amount: price times amount is below the least, 1000 of their units"],
  [{ id: "open" }, "DUPLICATE_ID", "id: an open order has the id open already"],
  [{}, "TOO_MANY_ORDERS", "at most 1 orders may be open at a time"],
];
test.each(refused)("[MA14] %j is refused with %s, and changes nothing", (fields, code, message) => {
  const market = venue({ instrument: filters, maxOpenOrders: 1 });
  market.place(2, limit("open", "buy", 50, 100));
  const { working, taken, account } = market.engine.state();
  const [said, ...more] = market.place(3, { ...limit("a", "buy", 90, 20), ...fields });
  expect(said).toMatchObject({ kind: "refused", action: "place", code, message });
  expect(more).toEqual([]);
  expect(market.engine.state()).toMatchObject({ working, taken, account });
});

test("[MA14] what waits and names no stop price, or is gone, can't be replaced, and a bad replacement leaves the order", () => {
  const market = venue();
  market.place(2, { id: "stop", side: "buy", type: "STOP", amount: 1, stopPrice: 200 });
  market.place(3, limit("a", "buy", 90, 1));
  const replace = (second: number, id: string, price: number) =>
    words(market.act({ kind: "replace", sentNs: ns(second), id, price, amount: 1 }));
  expect(replace(4, "stop", 90)).toEqual(["stop refused NOT_RESTING"]);
  expect(replace(5, "gone", 90)).toEqual(["gone refused UNKNOWN_ORDER"]);
  expect(replace(6, "a", -1)).toEqual(["a refused INVALID_PRICE"]);
  expect(words(market.trade(7, "sell", 89, 5))).toEqual(["a makes 1 at 90", "a FILLED filled"]);
});
