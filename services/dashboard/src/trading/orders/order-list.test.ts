import type { SessionOrder } from "@tapedeck/protocol";
import { expect, test } from "vitest";
import { isWorking, withOrder, workingPrice } from "./order-list";

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
  expect(workingPrice({ ...order, type: "MARKET", price: null })).toBeNull();
  expect([order, { ...order, status: "REJECTED" } as const].map(isWorking)).toEqual([true, false]);
});
