import { expect, test } from "vitest";
import { orderAtPrice, orderOf, type Ticket } from "./order-ticket-state";

const decimals = { price_decimals: 1, amount_decimals: 3 };
const values: Ticket = {
  ...{ type: "LIMIT", amount: "0.5", price: "30,000.1", stopPrice: "", timeInForce: "GTC", clickTrading: false },
};

test("[DB100] a ticket makes a market, limit, stop or stop-limit order", () => {
  const amount = "0.5";
  expect(orderOf({ ...values, type: "MARKET" }, "buy", decimals)).toEqual({
    order: { side: "buy", type: "MARKET", amount },
  });
  expect(orderOf({ ...values, timeInForce: "GTX" }, "sell", decimals)).toEqual({
    order: { side: "sell", type: "LIMIT", amount, price: "30000.1", time_in_force: "GTX" },
  });
  const stop = { ...values, type: "STOP", stopPrice: "29000" } as const;
  expect(orderOf({ ...stop, price: "" }, "sell", decimals)).toEqual({
    order: { side: "sell", type: "STOP", amount, stop_price: "29000" },
  });
  expect(orderOf(stop, "sell", decimals)).toEqual({
    order: { side: "sell", type: "STOP_LIMIT", amount, stop_price: "29000", price: "30000.1", time_in_force: "GTC" },
  });
});

test("[DB100] a ticket says which value is wrong, and why", () => {
  const problemOf = (change: Partial<Ticket>) => {
    const found = orderOf({ ...values, ...change }, "buy", decimals);
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
  expect(orderAtPrice({ ...values, type: "MARKET" }, "buy", 30_000, decimals)).toEqual({
    order: { side: "buy", type: "LIMIT", amount, price: "30000.0", time_in_force: "GTC" },
  });
  expect(orderAtPrice({ ...values, type: "STOP" }, "sell", 29_000.5, decimals)).toEqual({
    order: { side: "sell", type: "STOP", amount, stop_price: "29000.5" },
  });
});
