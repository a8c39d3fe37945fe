import { expect, test } from "vitest";
import { clickSize, orderAtPrice, orderOf, type Ticket } from "./order-ticket-state";

const spot = { price_decimals: 1, amount_decimals: 3, account: "spot" } as const;
const futures = { ...spot, account: "futures" } as const;
const values: Ticket = {
  ...{ type: "LIMIT", sizing: "amount", amount: "0.5", cost: "", price: "30,000.1", stopPrice: "" },
  ...{ timeInForce: "GTC", clickTrading: false },
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
