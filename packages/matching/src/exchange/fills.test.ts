import { expect, test } from "vitest";
import { twoLevels as book, limit, ns, venueWithBook as venue, words } from "../testing.js";

const buy = (id: string, amount: number) => ({ id, side: "buy", type: "MARKET", amount }) as const;

test("[MA20] what was taken stays taken until the level has another size", () => {
  const market = venue();
  market.place(2, buy("a", 6));
  market.book(3, {
    asks: [
      [101, 10],
      [103, 5],
    ],
  });
  market.book(4, { ...book, isSnapshot: true });
  expect(words(market.place(5, buy("b", 6)))).toEqual([
    "b accepted",
    "b takes 4 at 101",
    "b takes 2 at 102",
    "b FILLED filled",
  ]);
  market.book(6, { asks: [[101, 8]] });
  expect(words(market.place(7, buy("c", 9)))).toEqual([
    "c accepted",
    "c takes 8 at 101",
    "c takes 1 at 102",
    "c FILLED filled",
  ]);
});

test("[MA20] a level that a whole book has with another size is whole again", () => {
  const market = venue();
  market.place(2, buy("a", 10));
  market.book(3, { bids: [[99, 10]], asks: [[101, 9]], isSnapshot: true });
  expect(words(market.place(4, buy("b", 20)))).toEqual(["b accepted", "b takes 9 at 101", "b EXPIRED no-liquidity"]);
});

test("[MA21] a trade beyond orders fills them with its amount: best price first, then in order of time", () => {
  const market = venue();
  market.place(2, limit("later", "buy", 97, 5));
  market.place(3, limit("best", "buy", 99, 5));
  market.place(4, limit("last", "buy", 97, 5));
  expect(words(market.trade(5, "sell", 96, 12))).toEqual([
    "best makes 5 at 99",
    "best FILLED filled",
    "later makes 5 at 97",
    "later FILLED filled",
    "last makes 2 at 97",
  ]);
});

test("[MA21] a trade at an order's price has to get past the queue", () => {
  const market = venue();
  market.place(2, limit("a", "buy", 99, 5));
  market.place(3, limit("b", "buy", 99, 5));
  expect(words(market.trade(4, "sell", 99, 8))).toEqual([]);
  expect(words(market.trade(5, "sell", 99, 4))).toEqual(["a makes 2 at 99"]);
  expect(words(market.trade(6, "sell", 99, 5))).toEqual(["a makes 3 at 99", "a FILLED filled", "b makes 2 at 99"]);
});

test("[MA21] [MA23] trades of the other side or of an unknown one fill nothing", () => {
  const market = venue();
  market.place(2, limit("a", "buy", 99, 5));
  expect(words(market.trade(3, "buy", 98, 50))).toEqual([]);
  expect(words(market.trade(4, "unknown", 98, 50))).toEqual([]);
});

test("[MA22] levels that reach a resting order trade with it, once", () => {
  const market = venue();
  market.place(2, limit("a", "buy", 100, 12));
  expect(
    words(
      market.book(3, {
        asks: [
          [100, 3],
          [99, 4],
        ],
      }),
    ),
  ).toEqual(["a makes 7 at 100"]);
  expect(
    words(
      market.book(4, {
        asks: [
          [100, 3],
          [102, 1],
        ],
      }),
    ),
  ).toEqual([]);
  expect(words(market.book(5, { asks: [[100, 9]] }))).toEqual(["a makes 5 at 100", "a FILLED filled"]);
  expect(words(market.place(6, buy("b", 5)))).toEqual([
    "b accepted",
    "b takes 4 at 100",
    "b takes 1 at 101",
    "b FILLED filled",
  ]);
});

test("[MA23] own orders do not trade with each other", () => {
  const market = venue();
  market.place(2, limit("a", "buy", 100, 5));
  expect(words(market.place(3, limit("b", "sell", 100, 5)))).toEqual(["b accepted"]);
  expect(words(market.place(4, { id: "c", side: "sell", type: "MARKET", amount: 3 }))).toEqual([
    "c accepted",
    "c takes 3 at 99",
    "c FILLED filled",
  ]);
});

test("[MA30] whole fills: all of an order at the best price, and all of a resting one once it is its turn", () => {
  const market = venue({ fills: "whole" });
  expect(words(market.place(2, buy("a", 500)))).toEqual(["a accepted", "a takes 500 at 101", "a FILLED filled"]);
  market.place(3, limit("b", "buy", 99, 500));
  expect(words(market.trade(4, "sell", 99, 10))).toEqual([]);
  expect(words(market.trade(5, "sell", 99, 1))).toEqual(["b makes 500 at 99", "b FILLED filled"]);
  market.place(6, limit("c", "buy", 100, 500));
  expect(words(market.book(7, { asks: [[100, 1]] }))).toEqual(["c makes 500 at 100", "c FILLED filled"]);
});

test("[MA23] [TR65] an own trade of the tape fills no resting order, and is the market's last trade", () => {
  const market = venue();
  market.place(2, limit("resting", "sell", 101, 5));
  market.place(3, { id: "stop", side: "buy", type: "STOP", amount: 1, stopPrice: 102 });
  market.engine.event({
    ...{ kind: "trade", n: 1, timestampNs: ns(4), side: "buy", priceUnits: 102, amountUnits: 20 },
    own: true,
  });
  expect(words(market.engine.take())).toEqual(["stop triggered", "stop takes 1 at 101", "stop FILLED filled"]);
});
