import fc from "fast-check";
import { expect, test } from "vitest";
import { MatchingEngine } from "../engine.js";
import { limit, randomMarket, testSettings, venueWithBook, words } from "../testing.js";

const reduceOnly = { reduceOnly: true };

/** A venue with that position, long above 0. */
function venue(position: number) {
  const market = venueWithBook();
  market.trade(1.5, "buy", 100, 1);
  const side = position > 0 ? "buy" : "sell";
  market.place(2, { id: "open", side, type: "MARKET", amount: Math.abs(position) });
  return market;
}

test("[MA52] an order that may only reduce is no larger than the position", () => {
  const market = venue(7);
  expect(words(market.place(3, { id: "a", side: "sell", type: "MARKET", amount: 9, ...reduceOnly }))).toEqual([
    "a accepted",
    "a reduced",
    "a takes 7 at 99",
    "a FILLED filled",
  ]);
  expect(market.engine.account).toMatchObject({ position: 0 });
});

test.each([
  ["without a position", "sell", 0],
  ["that would make the position larger", "buy", 7],
] as const)("[MA52] %s it is refused", (_, side, position) => {
  const market = position === 0 ? venueWithBook() : venue(position);
  expect(words(market.place(3, limit("a", side, 100, 5, reduceOnly)))).toEqual(["a refused NOT_REDUCING"]);
});

test("[MA52] what rests becomes smaller with the position, in its place, and ends with it", () => {
  const market = venue(-8);
  market.place(3, limit("a", "buy", 98, 8, reduceOnly));
  market.place(3.1, limit("b", "buy", 97, 3, reduceOnly));
  expect(words(market.place(4, { id: "less", side: "buy", type: "MARKET", amount: 3 })).slice(1)).toEqual([
    "less takes 3 at 101",
    "less FILLED filled",
    "a reduced",
  ]);
  // The 20 that stood there first have gone.
  expect(words(market.trade(5, "sell", 98, 22))).toEqual(["a makes 2 at 98"]);
  expect(words(market.place(6, { id: "rest", side: "buy", type: "MARKET", amount: 3 })).slice(1)).toEqual([
    "rest takes 3 at 101",
    "rest FILLED filled",
    "a EXPIRED no-position",
    "b EXPIRED no-position",
  ]);
});

test("[MA52] one trade that meets two of them fills no more than the position", () => {
  const market = venue(5);
  market.place(3, limit("a", "sell", 103, 4, reduceOnly));
  market.place(3.1, limit("b", "sell", 104, 4, reduceOnly));
  expect(words(market.trade(4, "buy", 110, 50))).toEqual([
    "a makes 4 at 103",
    "a FILLED filled",
    "b reduced",
    "b makes 1 at 104",
    "b FILLED filled",
  ]);
});

test("[MA52] one that waits for its stop price may do so without a position, and expires if there is none then", () => {
  const market = venueWithBook();
  market.trade(1.5, "buy", 100, 1);
  const stop = { side: "sell", type: "STOP", amount: 5, stopPrice: 97, ...reduceOnly } as const;
  expect(words(market.place(2, { ...stop, id: "a" }))).toEqual(["a accepted"]);
  expect(words(market.trade(3, "sell", 97, 1))).toEqual(["a triggered", "a EXPIRED no-position"]);
  market.trade(3.5, "buy", 100, 1);
  market.place(4, { ...stop, id: "b" });
  market.place(5, { id: "open", side: "buy", type: "MARKET", amount: 2 });
  expect(words(market.trade(6, "sell", 97, 1))).toEqual([
    "b triggered",
    "b reduced",
    "b takes 2 at 99",
    "b FILLED filled",
  ]);
});

test("[MA52] it follows the first order of a list: a pair that takes profit or stops", () => {
  const market = venueWithBook();
  market.trade(1.5, "buy", 100, 1);
  const list = {
    first: limit("entry", "buy", 101, 6),
    others: [
      limit("profit", "sell", 105, 6, reduceOnly),
      { id: "stop", side: "sell", type: "STOP", amount: 6, stopPrice: 95, ...reduceOnly } as const,
    ],
  };
  expect(words(market.act({ kind: "place-list", sentNs: 2_000_000_000n, list })).slice(3)).toEqual([
    "entry takes 6 at 101",
    "entry FILLED filled",
    "profit activated",
    "stop activated",
  ]);
  expect(words(market.trade(3, "buy", 106, 50))).toEqual([
    "profit makes 6 at 105",
    "profit FILLED filled",
    "stop EXPIRED other-order",
  ]);
});

test("[MA52] it binds no margin, may be worth less than the least, and belongs to futures accounts", () => {
  const poor = venueWithBook({ account: { kind: "futures", wallet: "0.1", leverage: 1 } });
  poor.place(2, { id: "open", side: "buy", type: "MARKET", amount: 9 });
  expect(words(poor.place(3, limit("a", "sell", 110, 9, reduceOnly)))).toEqual(["a accepted"]);
  const instrument = { priceDecimals: 1, amountDecimals: 3, tick: 1, lot: 1, minNotional: "0.5" };
  const market = venueWithBook({ instrument });
  market.place(2, { id: "open", side: "buy", type: "MARKET", amount: 50 });
  expect(words(market.place(3, limit("b", "sell", 110, 1, reduceOnly)))).toEqual(["b accepted"]);
  expect(words(market.place(4, limit("c", "sell", 110, 1)))).toEqual(["c refused MIN_NOTIONAL"]);
  const spot = venueWithBook({ account: { kind: "spot", base: "1", quote: "1" } });
  expect(words(spot.place(2, limit("d", "sell", 110, 1, reduceOnly)))).toEqual(["d refused FIELD_NOT_ALLOWED"]);
});

test("[MA52] none of them ever opens a position or makes one larger", () => {
  const settings = testSettings();
  let fills = 0;
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 10_000 }), (seed) => {
      const { events, actions } = randomMarket(seed, 400);
      const reducing = new Set(
        actions.flatMap((action) => (action.kind === "place" && action.order.reduceOnly ? [action.order.id] : [])),
      );
      const engine = new MatchingEngine(settings);
      let position = 0;
      let sent = 0;
      for (const event of events) {
        for (let next = actions[sent]; next !== undefined && next.sentNs < event.timestampNs; next = actions[++sent]) {
          if (next.sentNs >= engine.earliestArrivalNs) engine.submit(next);
        }
        engine.event(event);
        for (const output of engine.take()) {
          if (output.kind !== "fill") continue;
          const before = position;
          position += output.side === "buy" ? output.amount : -output.amount;
          if (!reducing.has(output.id)) continue;
          fills++;
          expect(Math.abs(position)).toBeLessThan(Math.abs(before));
          expect(Math.sign(position) * Math.sign(before)).toBeGreaterThanOrEqual(0);
        }
      }
    }),
    { numRuns: 60 },
  );
  expect(fills).toBeGreaterThan(50);
});
