import { expect, test } from "vitest";
import type { AccountView } from "../actions.js";
import type { MatchingSettingsInput } from "../settings.js";
import { limit, ns, TestVenue, words } from "../testing.js";

/** One unit of the quote currency: with 1, 3 and 8 decimals together. */
const one = 10n ** 12n;
const spot = { kind: "spot", base: "0.02", quote: "2.0102" } as const;
const futures = { kind: "futures", wallet: "1", leverage: 2, maintenanceRate: 10_000_000 } as const;

function venue(account: MatchingSettingsInput["account"], fees = { maker: 0, taker: 0 }): TestVenue {
  const made = new TestVenue({ account, fees });
  made.book(1, { bids: [[999, 1_000]], asks: [[1_001, 1_000]] });
  return made;
}

function accountOf(outputs: ReturnType<TestVenue["place"]>): AccountView {
  const found = outputs.findLast((output) => output.kind === "account");
  if (found?.kind !== "account") throw new Error("nothing was filled");
  return found.account;
}

test("[MA40] takers and makers pay their rates of what they trade", () => {
  const market = venue({ ...futures, wallet: "10" }, { maker: -10_000, taker: 50_000 });
  const [, took] = market.place(2, { id: "a", side: "buy", type: "MARKET", amount: 10 });
  // 0.010 at 100.1, at 0.05 %: 0.0005005
  expect(took?.kind === "fill" && took.fee).toBe(500_500_000n);
  market.place(3, limit("b", "buy", 1_000, 10));
  const [made] = market.trade(4, "sell", 1_000, 10);
  expect(made?.kind === "fill" && made.fee).toBe(-100_000_000n);
});

test("[MA41] open orders hold what they sell, or pay with the fee", () => {
  const market = venue(spot, { maker: 0, taker: 10_000_000 });
  expect(words(market.place(2, limit("a", "buy", 1_000, 10)))).toEqual(["a accepted"]);
  expect(words(market.place(3, limit("b", "buy", 999, 10)))).toEqual(["b refused INSUFFICIENT_BALANCE"]);
  expect(words(market.place(4, limit("c", "sell", 1_100, 15)))).toEqual(["c accepted"]);
  expect(words(market.place(5, limit("d", "sell", 1_100, 6)))).toEqual(["d refused INSUFFICIENT_BALANCE"]);
  // 0.010 at 100, and a tenth for the fee.
  expect(market.engine.account).toMatchObject({ lockedBase: 15n, lockedQuote: (11n * one) / 10n });
  market.act({ kind: "cancel", sentNs: ns(6), id: "c" });
  expect(market.engine.account).toMatchObject({ lockedBase: 0n, lockedQuote: (11n * one) / 10n });
  const filled = accountOf(market.place(7, { id: "e", side: "sell", type: "MARKET", amount: 10 }));
  expect(filled).toEqual({
    kind: "spot",
    quoteDecimals: 12,
    base: 10n,
    // 2.0102 and 0.010 at 99.9, less a tenth for the fee
    quote: (20_102n * one) / 10_000n + (8_991n * one) / 10_000n,
    lockedBase: 0n,
    lockedQuote: (11n * one) / 10n,
  });
});

test("[MA41] a stop order that can't be paid for any more expires", () => {
  const market = venue({ ...spot, quote: "1.2" });
  market.place(2, { id: "a", side: "buy", type: "STOP", amount: 10, stopPrice: 1_100 });
  market.book(3, {
    asks: [
      [1_001, 0],
      [1_300, 50],
    ],
  });
  expect(words(market.trade(4, "buy", 1_300, 1))).toEqual(["a triggered", "a EXPIRED insufficient-funds"]);
});

test("[MA42] profit is realised at average cost, and turning a position round enters the other side", () => {
  const market = venue({ ...futures, wallet: "100" });
  market.place(2, { id: "a", side: "buy", type: "MARKET", amount: 20 });
  market.book(3, {
    asks: [
      [1_001, 0],
      [1_051, 500],
    ],
    bids: [[1_049, 500]],
  });
  market.place(4, { id: "b", side: "buy", type: "MARKET", amount: 20 });
  // 20 at 100.1 and 20 at 105.1: 102.6 on average
  const half = accountOf(market.place(5, { id: "c", side: "sell", type: "MARKET", amount: 10 }));
  expect(half).toMatchObject({
    position: 30,
    cost: (3_078n * one) / 1_000n,
    wallet: 100n * one + (23n * one) / 1_000n,
  });
  const turned = accountOf(market.place(6, { id: "d", side: "sell", type: "MARKET", amount: 50 }));
  expect(turned).toMatchObject({
    position: -20,
    cost: (-2_098n * one) / 1_000n,
    wallet: 100n * one + (92n * one) / 1_000n,
  });
});

test("[MA42] an order that would need more margin is refused; one that closes never is", () => {
  const market = venue(futures);
  // Equity 1, leverage 2: a position of at most 2, which is 0.01998 at 100.1.
  expect(words(market.place(2, { id: "a", side: "buy", type: "MARKET", amount: 20 }))).toEqual([
    "a refused INSUFFICIENT_MARGIN",
  ]);
  expect(words(market.place(3, { id: "b", side: "buy", type: "MARKET", amount: 19 }))).toEqual([
    "b accepted",
    "b takes 19 at 1001",
    "b FILLED filled",
  ]);
  market.trade(4, "sell", 700, 1);
  expect(words(market.place(5, limit("c", "buy", 900, 2)))).toEqual(["c refused INSUFFICIENT_MARGIN"]);
  expect(words(market.place(6, limit("d", "sell", 1_100, 34)))).toEqual(["d accepted"]);
  expect(words(market.place(7, limit("e", "sell", 1_100, 2)))).toEqual(["e refused INSUFFICIENT_MARGIN"]);
});

test.each([
  // 1 + 0.019 (P - 100.1) = 0.1 * 0.019 P: P = 52.7 and a bit
  { side: "buy", position: 19, at: 527, closes: 999 },
  // 1 + 0.019 (99.9 - P) = 0.1 * 0.019 P: P = 138.6 and a bit
  { side: "sell", position: -19, at: 1_387, closes: 1_001 },
] as const)("[MA43] $side: the position is liquidated by a trade at its price, not before it", (row) => {
  const { side, position, at, closes } = row;
  const market = venue(futures);
  const opened = accountOf(market.place(2, { id: "a", side, type: "MARKET", amount: 19 }));
  expect(opened).toMatchObject({ position, liquidationPrice: at });
  market.place(3, limit("b", "buy", 100, 1));
  expect(words(market.trade(4, "buy", side === "buy" ? at + 1 : at - 1, 1))).toEqual([]);
  const other = side === "buy" ? "sell" : "buy";
  const outputs = market.trade(5, "unknown", at, 1);
  expect(words(outputs)).toEqual([
    "b CANCELED liquidation",
    `liquidation at ${at}`,
    "liquidation-3 accepted",
    `liquidation-3 takes 19 at ${closes}`,
    "liquidation-3 FILLED filled",
  ]);
  expect(outputs.flatMap((output) => (output.kind === "fill" ? [output.side] : []))).toEqual([other]);
  expect(accountOf(outputs)).toMatchObject({ position: 0, cost: 0n, liquidationPrice: undefined });
});

test("[MA43] what a thin book leaves of the position is closed at the next trade that would liquidate it", () => {
  const market = venue(futures);
  market.place(2, { id: "a", side: "buy", type: "MARKET", amount: 19 });
  market.book(3, {
    bids: [
      [999, 0],
      [500, 12],
    ],
  });
  expect(accountOf(market.trade(4, "sell", 500, 1))).toMatchObject({ position: 7 });
  market.book(5, { bids: [[470, 12]] });
  const outputs = market.trade(6, "sell", 470, 1);
  expect(accountOf(outputs)).toMatchObject({ position: 0 });
  // 19 bought at 100.1, 12 sold at 50 and 7 at 47: the wallet ends below what it began with, exactly.
  expect(accountOf(outputs)).toMatchObject({ wallet: one - (1_901_900n - 600_000n - 329_000n) * (one / 1_000_000n) });
});
