import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { applyFill, emptyAccount, markToMarket } from "./account.js";

type Fill = readonly [side: "BUY" | "SELL", size: number, price: number];

/** The account after some fills, and the type and profit of each. */
function after(...fills: Fill[]) {
  let account = emptyAccount;
  const events = fills.map(([side, size, price], nth) => {
    const order = { id: `${nth}`, after: "", seq: nth, side, quantity: size, filled: size };
    const fill = { timestamp: "2025-01-01T00:00:00.000Z", price, size, mid: price + 1 };
    const result = applyFill(account, { order, fill });
    account = result.account;
    return result.event;
  });
  return {
    account,
    events: events.map(({ type, pnl }) => [type, pnl]),
    accounts: events.map((event) => event.account),
  };
}

describe("[SO10] the account is kept at average cost", () => {
  test("entries average, exits realise", () => {
    expect(after(["BUY", 1, 100], ["BUY", 3, 104], ["SELL", 2, 110])).toMatchObject({
      account: { position: 2, average_price: 103, realized_pnl: 14 },
      events: [
        ["ENTRY", 0],
        ["ENTRY", 0],
        ["EXIT", 14],
      ],
    });
  });

  test("short positions earn when the price falls", () => {
    expect(after(["SELL", 2, 100], ["BUY", 2, 90])).toMatchObject({
      account: { position: 0, average_price: null, realized_pnl: 20 },
      events: [
        ["ENTRY", 0],
        ["EXIT", 20],
      ],
    });
  });

  test("a fill that turns the position closes it and enters the other with the rest", () => {
    expect(after(["BUY", 1, 100], ["SELL", 3, 105])).toMatchObject({
      account: { position: -2, average_price: 105, realized_pnl: 5 },
      events: [
        ["ENTRY", 0],
        ["EXIT", 5],
      ],
    });
  });

  test("what is held is worth the mid, and what is not known is not made up", () => {
    const { account } = after(["BUY", 1, 100], ["BUY", 3, 104], ["SELL", 2, 110]);
    expect(markToMarket(account, 101)).toEqual({ ...account, unrealized_pnl: -4, total_pnl: 10 });
    expect(markToMarket(account, undefined)).toEqual({ ...account, unrealized_pnl: null, total_pnl: null });
    expect(markToMarket(after(["SELL", 2, 100]).account, 99.9)).toMatchObject({ unrealized_pnl: 0.2, total_pnl: 0.2 });
    expect(markToMarket(emptyAccount, undefined)).toEqual({ ...emptyAccount, unrealized_pnl: 0, total_pnl: 0 });
  });

  test("each fill tells what it left, at the mid of its frame", () => {
    const { accounts } = after(["BUY", 2, 100], ["SELL", 2, 105]);
    expect(accounts).toMatchObject([
      { position: 2, unrealized_pnl: 2, total_pnl: 2 },
      { position: 0, realized_pnl: 10, unrealized_pnl: 0, total_pnl: 10 },
    ]);
  });

  test("whatever is traded, profit is what was got less what was paid, once nothing is held", () => {
    const fill = fc.tuple(
      fc.constantFrom("BUY" as const, "SELL" as const),
      fc.integer({ min: 1, max: 5_000 }).map((lots) => lots / 1_000),
      fc.integer({ min: 1, max: 1_000_000 }).map((ticks) => ticks / 10),
    );
    fc.assert(
      fc.property(fc.array(fill, { maxLength: 20 }), (fills) => {
        const { position } = after(...fills).account;
        const all: Fill[] =
          position === 0 ? fills : [...fills, [position > 0 ? "SELL" : "BUY", Math.abs(position), 50]];
        const cash = all.reduce((sum, [side, size, price]) => sum + (side === "BUY" ? -1 : 1) * size * price, 0);
        const { account } = after(...all);
        expect(account.position).toBe(0);
        expect(account.average_price).toBeNull();
        expect(account.realized_pnl).toBeCloseTo(cash, 3);
      }),
    );
  });
});
