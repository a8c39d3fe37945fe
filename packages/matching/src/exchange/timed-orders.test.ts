import { expect, test } from "vitest";
import { MatchingEngine } from "../engine.js";
import { limit, ns, type TestVenue, testSettings, venueWithBook, words } from "../testing.js";

const dated = (id: string, second: number, more = {}) => limit(id, "buy", 98, 5, { expiresNs: ns(second), ...more });

test("[MA50] an order ends at its time, after what happens then and before what arrives then", () => {
  const market = venueWithBook();
  market.place(2, dated("a", 5));
  expect(words(market.trade(5, "sell", 97, 2))).toEqual(["a makes 2 at 98"]);
  expect(words(market.act({ kind: "cancel", sentNs: ns(5), id: "a" }))).toEqual([
    "a EXPIRED expired",
    "a refused UNKNOWN_ORDER",
  ]);
});

test("[MA50] its end has its own time, whichever event comes next, and so has that of a stop order that waits", () => {
  const market = venueWithBook();
  market.trade(1.5, "buy", 100, 1);
  market.place(2, dated("later", 6));
  market.place(3, { ...dated("stop", 5), type: "STOP_LIMIT", price: 110, stopPrice: 105 });
  const said = market.trade(9, "buy", 106, 1);
  expect(words(said)).toEqual(["stop EXPIRED expired", "later EXPIRED expired"]);
  expect(said.map(({ atNs }) => atNs)).toEqual([ns(5), ns(6)]);
});

test("[MA50] one that arrives too late, or cannot wait, is refused", () => {
  const market = venueWithBook();
  expect(words(market.place(2, dated("a", 2)))).toEqual(["a refused PAST_EXPIRY"]);
  expect(words(market.place(3, dated("b", 9, { timeInForce: "IOC" })))).toEqual(["b refused FIELD_NOT_ALLOWED"]);
  const atMarket = { id: "c", side: "buy", type: "MARKET", amount: 1, expiresNs: ns(9) } as const;
  expect(words(market.place(4, atMarket))).toEqual(["c refused FIELD_NOT_ALLOWED"]);
});

const countdown = (market: TestVenue, second: number, ends: number | undefined) =>
  words(market.act({ kind: "countdown", sentNs: ns(second), endsNs: ends === undefined ? undefined : ns(ends) }));

test("[MA51] a countdown cancels what is open when it ends, and another one takes its place", () => {
  const market = venueWithBook();
  market.place(2, limit("a", "buy", 98, 5));
  expect(countdown(market, 3, 10)).toEqual([]);
  expect(countdown(market, 9, 20)).toEqual([]);
  market.place(15, limit("b", "buy", 97, 5));
  expect(words(market.trade(19, "buy", 101, 1))).toEqual([]);
  expect(words(market.trade(21, "buy", 101, 1))).toEqual(["a CANCELED countdown", "b CANCELED countdown"]);
  market.place(22, limit("c", "buy", 98, 5));
  countdown(market, 23, 25);
  countdown(market, 24, undefined);
  expect(words(market.trade(30, "buy", 101, 1))).toEqual([]);
});

test("[MA51] [MA50] an engine that is restored ends the same at the same times", () => {
  const market = venueWithBook();
  market.place(2, dated("a", 8));
  market.place(3, limit("b", "buy", 97, 5));
  countdown(market, 4, 9);
  market.engine.submit({ kind: "countdown", sentNs: ns(6), endsNs: ns(7) });
  market.engine.submit({ kind: "place", sentNs: ns(6), order: dated("c", 6.5) });
  const { engine } = market;
  const state = JSON.parse(JSON.stringify(engine.state()));
  const restored = MatchingEngine.restore(testSettings(), state, engine.tapeState());
  expect(restored.state()).toEqual(engine.state());
  for (const each of [engine, restored]) each.advance(ns(20));
  const said = engine.take();
  expect(words(said)).toEqual(["c accepted", "c EXPIRED expired", "a CANCELED countdown", "b CANCELED countdown"]);
  expect(restored.take()).toEqual(said);
});
