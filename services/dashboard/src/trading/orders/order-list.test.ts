import type { SessionOrder } from "@tapedeck/protocol";
import { expect, test } from "vitest";
import { isWorking, labelOf, moveTo, onTick, withOrder, workingPrice } from "./order-list";

const order: SessionOrder = {
  ...{ order_id: "1", client_order_id: null, side: "buy", type: "LIMIT", amount: "1", filled: "0", open: "1" },
  ...{ price: "100", stop_price: null, time_in_force: "GTC", status: "NEW", reason: null, average_price: null },
  ...{ created_at: "2023-11-14T22:13:20.000000000Z", updated_at: "2023-11-14T22:13:20.000000000Z" },
};

test("[DB108] an order is replaced by what is newer, and never by what is older", () => {
  const pending: SessionOrder = { ...order, status: "PENDING" };
  const filled: SessionOrder = {
    ...{ ...order, status: "FILLED", filled: "1", open: "0", updated_at: "2023-11-14T22:13:21.000000000Z" },
  };
  expect([pending, order, filled].reduce<readonly SessionOrder[]>(withOrder, [])).toEqual([filled]);
  expect([filled, order, pending].reduce<readonly SessionOrder[]>(withOrder, [])).toEqual([filled]);
  const atOnce: SessionOrder = { ...filled, updated_at: order.updated_at };
  expect([atOnce, pending].reduce<readonly SessionOrder[]>(withOrder, [])).toEqual([atOnce]);
  expect([order, { ...order, order_id: "2" }].reduce<readonly SessionOrder[]>(withOrder, [])).toHaveLength(2);
});

test("[DB102] an order waits at its price, or at its trigger, until it has ended", () => {
  expect(workingPrice(order)).toBe(100);
  expect(workingPrice({ ...order, type: "STOP_LIMIT", stop_price: "90" })).toBe(90);
  expect(workingPrice({ ...order, type: "STOP_LIMIT", stop_price: "90", triggered: true })).toBe(100);
  expect(workingPrice({ ...order, type: "MARKET", price: null })).toBeNull();
  expect([order, { ...order, status: "REJECTED" } as const].map(isWorking)).toEqual([true, false]);
});

test("[DB103] moving an order changes its limit, or its trigger while it waits, with the limit at the same distance", () => {
  expect(moveTo(order, "95.0")).toEqual({ price: "95.0" });
  const stop = { ...order, type: "STOP", price: null, stop_price: "90.00" } as const;
  expect(moveTo(stop, "91.00")).toEqual({ stop_price: "91.00" });
  const limited = { ...order, type: "STOP_LIMIT", price: "89.95", stop_price: "90.00" } as const;
  expect(moveTo(limited, "90.10")).toEqual({ stop_price: "90.10", price: "90.05" });
  expect(moveTo({ ...limited, triggered: true }, "90.10")).toEqual({ price: "90.10" });
  const instrument = { symbol: "BTCUSDT", source: "SIM", tape: "a@1", amount_decimals: 3, lot: "0.001" };
  expect(onTick(90.127, { ...instrument, price_decimals: 2, tick: "0.05" })).toBe("90.15");
});

test("[DB102] a label says side, kind and open amount of an order", () => {
  const waiting = { ...order, type: "TAKE_PROFIT", side: "sell", price: null, stop_price: "110" } as const;
  expect([order, waiting].map(labelOf)).toEqual(["Buy 1", "Sell TP 1"]);
  expect(labelOf({ ...waiting, type: "STOP", open: "0", close_position: true })).toBe("Sell stop all");
  expect(labelOf({ ...waiting, type: "STOP_LIMIT", price: "109", triggered: true })).toBe("Sell 1");
});
