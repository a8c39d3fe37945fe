import { expect, test } from "vitest";
import { clickSize, orderAtPrice, orderOf, type Ticket } from "./order-ticket-state";

const spot = { price_decimals: 1, amount_decimals: 3, account: "spot" } as const;
const futures = { ...spot, account: "futures" } as const;
const values: Ticket = {
  ...{ type: "LIMIT", sizing: "amount", amount: "0.5", cost: "", price: "30,000.1", stopPrice: "" },
  ...{ profitPrice: "", exits: false, goodFor: "15m", reduceOnly: false, timeInForce: "GTC", clickTrading: false },
};

test("[DB100] a ticket makes a market, limit, stop or stop-limit order", () => {
  const amount = "0.5";
  expect(orderOf({ ...values, type: "MARKET" }, "buy", spot)).toEqual({
    order: { side: "buy", type: "MARKET", amount },
  });
  expect(orderOf({ ...values, timeInForce: "GTX" }, "sell", spot)).toEqual({
    order: { side: "sell", type: "LIMIT", amount, price: "30000.1", time_in_force: "GTX" },
  });
  const stop = { ...values, type: "STOP", stopPrice: "29000" } as const;
  expect(orderOf({ ...stop, price: "" }, "sell", spot)).toEqual({
    order: { side: "sell", type: "STOP", amount, stop_price: "29000" },
  });
  expect(orderOf(stop, "sell", spot)).toEqual({
    order: { side: "sell", type: "STOP_LIMIT", amount, stop_price: "29000", price: "30000.1", time_in_force: "GTC" },
  });
});

test("[DB100] a ticket says which value is wrong, and why", () => {
  const problemOf = (change: Partial<Ticket>) => {
    const found = orderOf({ ...values, ...change }, "buy", spot);
    return "problem" in found ? found.problem : "none";
  };
  expect(problemOf({ amount: "" })).toBe("Amount must be a number, such as 0.5.");
  expect(problemOf({ amount: "1e3" })).toBe("Amount must be a number, such as 0.5.");
  expect(problemOf({ amount: "-1" })).toBe("Amount must be a number, such as 0.5.");
  expect(problemOf({ amount: "0.000" })).toBe("Amount must be above 0.");
  expect(problemOf({ amount: "0.0001" })).toBe("Amount has at most 3 decimals.");
  expect(problemOf({ price: "1.25" })).toBe("Price has at most 1 decimal.");
  expect(problemOf({ price: "." })).toBe("Price must be a number, such as 0.5.");
  expect(problemOf({ amount: ".5", price: "1.50000" })).toBe("none");
  expect(problemOf({ type: "STOP", stopPrice: "abc" })).toBe("Stop price must be a number, such as 0.5.");
});

test("[DB101] a click on the ladder places a limit order at that price, or a stop if the ticket is for stops", () => {
  const amount = "0.5";
  expect(orderAtPrice({ ...values, type: "MARKET" }, "buy", 30_000, spot)).toEqual({
    order: { side: "buy", type: "LIMIT", amount, price: "30000.0", time_in_force: "GTC" },
  });
  expect(orderAtPrice({ ...values, type: "STOP" }, "sell", 29_000.5, spot)).toEqual({
    order: { side: "sell", type: "STOP", amount, stop_price: "29000.5" },
  });
});

test("[DB100] a take profit waits as a stop does, with or without a limit", () => {
  const take = { ...values, type: "TAKE_PROFIT", stopPrice: "31000", timeInForce: "IOC" } as const;
  const order = { side: "sell", amount: "0.5", stop_price: "31000" } as const;
  expect(orderOf({ ...take, price: " " }, "sell", spot)).toEqual({ order: { ...order, type: "TAKE_PROFIT" } });
  expect(orderOf(take, "sell", spot)).toEqual({
    order: { ...order, type: "TAKE_PROFIT_LIMIT", price: "30000.1", time_in_force: "IOC" },
  });
});

test("[DB100] a market order may be by its cost, and what waits may close a futures position; elsewhere the amount counts", () => {
  const byCost = { ...values, type: "MARKET", sizing: "cost", cost: "1,500.25" } as const;
  expect(orderOf(byCost, "buy", spot)).toEqual({ order: { side: "buy", type: "MARKET", quote_amount: "1500.25" } });
  expect(orderOf({ ...byCost, cost: "x" }, "buy", spot)).toEqual({ problem: "Cost must be a number, such as 0.5." });
  expect(orderOf({ ...byCost, type: "LIMIT" }, "buy", spot)).toMatchObject({ order: { amount: "0.5" } });
  const closing = { ...values, type: "STOP", sizing: "position", stopPrice: "29000" } as const;
  // A closing order has no limit, whatever was typed for another one.
  expect(orderOf(closing, "sell", futures)).toEqual({
    order: { side: "sell", type: "STOP", close_position: true, stop_price: "29000" },
  });
  expect(orderOf(closing, "sell", spot)).toMatchObject({ order: { type: "STOP_LIMIT", amount: "0.5" } });
});

test("[DB101] a click on the ladder places what the ticket shows, and nothing while that is a cost", () => {
  const byCost = { ...values, type: "MARKET", sizing: "cost", cost: "1500" } as const;
  expect(orderAtPrice(byCost, "buy", 30_000, spot)).toEqual({
    problem: "A click on the ladder needs an amount: choose Amount in place of Cost.",
  });
  const closing = { ...values, type: "TAKE_PROFIT", sizing: "position" } as const;
  expect(orderAtPrice(closing, "buy", 30_000, futures)).toEqual({
    order: { side: "buy", type: "TAKE_PROFIT", close_position: true, stop_price: "30000.0" },
  });
  expect([byCost, closing, values].map((of) => clickSize(of, "futures"))).toEqual([undefined, "all", "0.5"]);
});

test("[DB110] a ticket for OCO sends a take profit and a stop of which one ends the other", () => {
  const oco = { ...values, type: "OCO", profitPrice: "31,000", stopPrice: "29000", price: "" } as const;
  const sell = { side: "sell", amount: "0.5" } as const;
  expect(orderOf(oco, "sell", spot)).toEqual({
    list: {
      others: [
        { ...sell, type: "LIMIT", price: "31000" },
        { ...sell, type: "STOP", stop_price: "29000" },
      ],
    },
  });
  expect(orderOf({ ...oco, price: "28990" }, "sell", spot)).toMatchObject({
    list: { others: [{ type: "LIMIT" }, { type: "STOP_LIMIT", stop_price: "29000", price: "28990" }] },
  });
  expect(orderOf({ ...oco, reduceOnly: true }, "sell", futures)).toMatchObject({
    list: { others: [{ reduce_only: true }, { reduce_only: true }] },
  });
  const problem = "To buy, the take profit must be below the stop price.";
  expect(orderOf(oco, "buy", spot)).toEqual({ problem });
  expect(orderOf({ ...oco, profitPrice: "" }, "sell", spot)).toEqual({
    problem: "Take profit must be a number, such as 0.5.",
  });
  expect(orderAtPrice(oco, "sell", 30_000, spot)).toMatchObject({ problem: expect.stringContaining("OCO") });
  expect(clickSize(oco, "spot")).toBeUndefined();
});

test("[DB110] a limit order may be followed by a take profit, a stop, or both", () => {
  const entry = { ...values, price: "30000", exits: true } as const;
  const first = { side: "buy", type: "LIMIT", amount: "0.5", price: "30000", time_in_force: "GTC" };
  const profit = { side: "sell", type: "LIMIT", amount: "0.5", price: "31000" };
  const stop = { side: "sell", type: "STOP", amount: "0.5", stop_price: "29000" };
  const both = { ...entry, profitPrice: "31000", stopPrice: "29000" };
  expect(orderOf(both, "buy", spot)).toEqual({ list: { first, others: [profit, stop] } });
  expect(orderOf({ ...both, stopPrice: "" }, "buy", spot)).toEqual({ list: { first, others: [profit] } });
  expect(orderOf({ ...both, profitPrice: " " }, "buy", spot)).toEqual({ list: { first, others: [stop] } });
  expect(orderOf(entry, "buy", spot)).toEqual({ problem: "Exits need a take profit, a stop price, or both." });
  expect(orderOf(both, "sell", spot)).toMatchObject({ problem: expect.stringMatching(/^To buy, the take profit/) });
  // What opens cannot only reduce, its exits do, and other types have none.
  const exits = [profit, stop].map((exit) => ({ ...exit, reduce_only: true }));
  expect(orderOf({ ...both, reduceOnly: true }, "buy", futures)).toEqual({ list: { first, others: exits } });
  expect(orderOf({ ...both, type: "MARKET" }, "buy", spot)).toHaveProperty("order");
  expect(orderAtPrice(both, "buy", 29_999, spot)).toMatchObject({ list: { first: { price: "29999.0" } } });
  expect(orderAtPrice({ ...both, type: "MARKET" }, "buy", 29_999, spot)).toHaveProperty("order");
});

test("[DB110] an order with a price may be good for some time of the tape", () => {
  const tapeMs = Date.parse("2024-07-18T23:58:05.000Z");
  const expiring = { ...values, timeInForce: "GTD", goodFor: " 1.5 M" } as const;
  const at = { ...spot, tapeMs };
  expect(orderOf(expiring, "buy", at)).toMatchObject({
    order: { type: "LIMIT", time_in_force: "GTC", expires_at: "2024-07-18T23:59:35.000Z" },
  });
  expect(orderOf({ ...expiring, type: "STOP", stopPrice: "29000" }, "buy", at)).toMatchObject({
    order: { type: "STOP_LIMIT", expires_at: "2024-07-18T23:59:35.000Z" },
  });
  for (const goodFor of ["", "0s", "15", "-1m", "1w", "m"])
    expect(orderOf({ ...expiring, goodFor }, "buy", at)).toEqual({
      problem: "Good for must be a time such as 90s, 15m or 2h.",
    });
  expect(orderOf(expiring, "buy", spot)).toHaveProperty("problem");
  expect(orderOf({ ...expiring, type: "MARKET" }, "buy", at)).toEqual({
    order: { side: "buy", type: "MARKET", amount: "0.5" },
  });
});

test("[DB110] on a futures account an order may only reduce the position", () => {
  const reducing = { ...values, type: "MARKET", reduceOnly: true } as const;
  expect(orderOf(reducing, "sell", futures)).toMatchObject({ order: { reduce_only: true } });
  expect(orderOf(reducing, "sell", spot)).not.toHaveProperty("order.reduce_only");
  const closing = { ...reducing, type: "STOP", sizing: "position", stopPrice: "29000" } as const;
  expect(orderOf(closing, "sell", futures)).not.toHaveProperty("order.reduce_only");
});
