import { sessionFill, sessionOrder } from "@tapedeck/protocol";
import { describe, expect } from "vitest";
import { z } from "zod";
import { test } from "../support/cluster.js";
import { Assistant } from "./assistant.js";

const orderOf = z.object({ order: sessionOrder });
const orders = z.looseObject({ orders: z.array(sessionOrder), next_after: z.string().nullable() });
const fills = z.looseObject({ fills: z.array(sessionFill), next_after: z.string().nullable() });
const account = z.looseObject({ account: z.looseObject({ kind: z.string(), position: z.string() }) });

describe("[MC12] an assistant trades", () => {
  test("on a recorded tape, rewinds, and looks at the branch that it left", async ({ cluster }) => {
    const assistant = await Assistant.start(cluster.url);
    const { session_id } = await assistant.session("create_session", { tape: "usdm", speed: 5, max_fps: 0 });
    const of = <T>(schema: z.ZodType<T>, name: string, args: object = {}) =>
      assistant.ask(schema, name, { session_id, ...args });
    await of(z.looseObject({}), "seek", { seq: 300 });
    const settings = { account: "futures", wallet: "100000", leverage: 5, latency_ms: 5, queue: "power-probability" };
    expect(await of(z.looseObject({}), "set_trading", settings)).toMatchObject({
      settings: { account: { kind: "futures", leverage: 5 }, queue: { model: "power-probability", n: 3 } },
    });

    const limit = { side: "buy", type: "LIMIT", amount: "0.010", price: "60000.0" };
    const { order } = await of(orderOf, "place_order", { ...limit, client_order_id: "mine" });
    expect(order).toMatchObject({ status: "PENDING", client_order_id: "mine", price: "60000.0" });
    expect(await assistant.refused("set_trading", { session_id, account: "spot" })).toMatch(/^HAS_ORDERS: /);
    await of(orderOf, "place_order", { side: "buy", type: "MARKET", amount: "0.020" });
    await of(z.looseObject({}), "play");
    const seen = z.looseObject({ fills: z.int(), newest_fills: z.array(z.looseObject({ amount: z.string() })) });
    await of(seen, "watch", { seconds: 2 });
    await of(z.looseObject({}), "pause");

    const first = await of(orders, "list_orders", { limit: 1 });
    const second = await of(orders, "list_orders", { limit: 1, after: first.next_after });
    expect([...first.orders, ...second.orders].map(({ status }) => status)).toEqual(["NEW", "FILLED"]);
    expect(second.next_after).toBeNull();
    expect((await of(orders, "list_orders", { open: true })).orders).toMatchObject([{ order_id: order.order_id }]);
    const filled = await of(fills, "list_fills");
    expect(filled.fills.reduce((sum, { amount }) => sum + Number(amount), 0)).toBeCloseTo(0.02, 9);
    expect(await of(account, "get_account")).toMatchObject({
      account: { kind: "futures", position: "0.020", leverage: 5 },
      instrument: { symbol: "BTCUSDT" },
    });

    await of(orderOf, "replace_order", { order_id: order.order_id, price: "60001.0" });
    await of(z.looseObject({}), "step", { frames: 3 });
    expect((await of(orders, "list_orders", { open: true })).orders).toMatchObject([{ price: "60001.0" }]);
    await of(orderOf, "cancel_order", { order_id: order.order_id });
    await of(z.looseObject({}), "step", { frames: 3 });
    expect((await of(orders, "list_orders", { open: true })).orders).toEqual([]);
    expect(await assistant.refused("cancel_order", { session_id, order_id: order.order_id })).toMatch(
      /^ORDER_NOT_OPEN: /,
    );

    await of(z.looseObject({}), "seek", { seq: 100 });
    expect((await of(orders, "list_orders")).orders).toEqual([]);
    expect(await of(account, "get_account")).toMatchObject({ account: { position: "0.000" } });
    const { branches } = await of(z.object({ branches: z.array(z.looseObject({ id: z.string() })) }), "list_branches");
    const branch = branches[0]?.id;
    expect((await of(orders, "list_orders", { branch })).orders.map(({ status }) => status)).toEqual([
      "CANCELED",
      "FILLED",
    ]);
    expect((await of(fills, "list_fills", { branch })).fills).toEqual(filled.fills);
    expect(await of(account, "get_account", { branch })).toMatchObject({ account: { position: "0.020" } });
    await of(z.looseObject({}), "delete_session");
    await assistant.close();
  });

  test("in a simulated market, with both kinds of orders", async ({ cluster }) => {
    const assistant = await Assistant.start(cluster.url);
    const { session_id } = await assistant.session("create_session", { mode: "SIMULATION", seed: 5 });
    const moving = z.looseObject({ account: z.looseObject({ position: z.number() }) });
    const bought = await assistant.ask(moving, "order_in_simulation", { session_id, side: "BUY", quantity: 1 });
    expect(bought.account.position).toBeGreaterThan(0);
    await assistant.session("pause", { session_id });
    const order = { side: "sell", type: "MARKET", amount: "1" };
    expect((await assistant.ask(orderOf, "place_order", { session_id, ...order })).order.status).toBe("PENDING");
    const all = z.object({ canceled: z.int(), order_ids: z.array(z.string()) });
    expect((await assistant.ask(all, "cancel_order", { session_id })).canceled).toBe(1);
    await assistant.ask(z.looseObject({}), "delete_session", { session_id });
    await assistant.close();
  });
});
