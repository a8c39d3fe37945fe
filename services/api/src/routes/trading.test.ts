import { orderAnswer, type SessionOrder, sessionAccount, sessionFill, sessionOrder } from "@tapedeck/protocol";
import { MemoryTapeStore } from "@tapedeck/tape";
import { writeTestTape } from "@tapedeck/tape/testing";
import { SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { z } from "zod";
import { importSmallRecording } from "../testing/small-recording.js";
import { startTestApi, type TestApi } from "../testing/start-api.js";

let api: TestApi;
const tapes = new MemoryTapeStore();
beforeAll(async () => {
  await importSmallRecording(tapes);
  await writeTestTape(tapes, { id: "without" });
  api = await startTestApi({ redisUrl: inject("redisUrl"), tapes });
});
afterAll(() => api.stop());

/** A paused session with its playhead on a frame. */
async function open(id: string, seq = 5, tape = "small"): Promise<string> {
  await api.ask("POST", "/sessions/create", { body: { session_id: id, tape } });
  await seek(id, seq);
  return id;
}
const seek = (id: string, seq: number) => api.ask("POST", `/replay/seek/${id}`, { body: { seq } });
async function place(id: string, body: object): Promise<SessionOrder> {
  const { status, json } = await api.ask("POST", `/sessions/${id}/orders`, { body });
  expect(status).toBe(200);
  return orderAnswer.parse(json).order;
}
const get = async (id: string, what: string) => (await api.ask("GET", `/sessions/${id}/${what}`)).json;
const buy = { side: "buy", type: "LIMIT", amount: "0.010", price: "100.00" };

describe("orders over HTTP", () => {
  test("[TR30] an order is sent, found, replaced, filled and shown in the account", async () => {
    const id = await open("whole");
    expect(await get(id, "orders")).toMatchObject({ seq: 5, orders: [] });
    const order = await place(id, { ...buy, client_order_id: "my-1" });
    expect(order).toMatchObject({ order_id: "2", client_order_id: "my-1", status: "PENDING", price: "100.00" });
    await seek(id, 6);
    expect(await get(id, "orders?open=true")).toMatchObject({ seq: 6, orders: [{ order_id: "2", status: "NEW" }] });
    expect(await get(id, "account")).toMatchObject({ account: { kind: "spot", locked_quote: "1.0005" } });
    await api.ask("POST", `/sessions/${id}/orders/2/replace`, { body: { price: "100.10" } });
    await seek(id, 8);
    expect(await get(id, "orders/2")).toMatchObject({ order: { status: "FILLED", average_price: "100.05" } });
    const { fills } = z.object({ fills: z.array(sessionFill) }).parse(await get(id, "fills"));
    expect(fills).toMatchObject([{ order_id: "2", client_order_id: "my-1", price: "100.05", liquidity: "taker" }]);
    const { account } = z.object({ account: sessionAccount }).parse(await get(id, "account"));
    expect(account).toMatchObject({ kind: "spot", base: "10.010", locked_quote: "0" });
  });

  test("[TR30] orders come page by page, and all open ones are cancelled at once", async () => {
    const id = await open("pages");
    for (let nth = 0; nth < 3; nth++) await place(id, buy);
    await seek(id, 6);
    const ids = async (query: string) => {
      const { orders } = z.object({ orders: z.array(sessionOrder) }).parse(await get(id, `orders?${query}`));
      return orders.map(({ order_id }) => order_id);
    };
    expect(await ids("limit=2")).toEqual(["2", "3"]);
    expect(await ids("limit=2&after=3")).toEqual(["4"]);
    await api.ask("DELETE", `/sessions/${id}/orders/3`);
    await seek(id, 8);
    expect(await ids("open=true&after=2")).toEqual(["4"]);
    await api.ask("DELETE", `/sessions/${id}/orders`);
    await seek(id, 9);
    expect(await ids("open=true")).toEqual([]);
  });

  test("[TR30] while the market plays, the answer to an order says what became of it", async () => {
    const id = await open("playing");
    await api.ask("POST", `/replay/speed/${id}/0.1`);
    await api.ask("POST", `/replay/start/${id}`);
    // A machine that is held up sends an order further ahead than its answer looks.
    const placeInTime = async (order: object) => {
      for (;;) {
        const placed = await place(id, order);
        if (placed.status !== "PENDING") return placed;
      }
    };
    expect(await placeInTime({ side: "buy", type: "MARKET", amount: "0.010" })).toMatchObject({
      status: "FILLED",
      average_price: "100.05",
    });
    const cancelInTime = async () => {
      for (;;) {
        const resting = await placeInTime({ ...buy, price: "99.00" });
        expect(resting).toMatchObject({ status: "NEW" });
        const { json } = await api.ask("DELETE", `/sessions/${id}/orders/${resting.order_id}`);
        const { order } = orderAnswer.parse(json);
        expect(order.order_id).toBe(resting.order_id);
        if (order.status !== "PENDING") return order;
      }
    };
    expect(await cancelInTime()).toMatchObject({ status: "CANCELED" });
  });

  test("[TR18] with once=true an order, or a list, is sent once, and answered as it is", async () => {
    const id = await open("once");
    const send = async (what: string, body: object) => api.ask("POST", `/sessions/${id}/${what}?once=true`, { body });
    const named = { ...buy, client_order_id: "mine" };
    for (let attempt = 0; attempt < 2; attempt++)
      expect(await send("orders", named)).toMatchObject({ status: 200, json: { order: { order_id: "2" } } });
    expect(await send("orders", { ...named, price: "99.00" })).toMatchObject({
      status: 422,
      json: { code: "INVALID_VALUE", message: expect.stringMatching(/^client_order_id: .* 2, has this name/) },
    });
    expect(await send("orders", buy)).toMatchObject({ status: 422 });
    const others = [
      { side: "sell", type: "STOP", amount: "0.010", stop_price: "90.00" },
      { side: "sell", type: "LIMIT", amount: "0.010", price: "110.00" },
    ];
    const orders = [{ order_id: "3" }, { order_id: "4" }];
    for (let attempt = 0; attempt < 2; attempt++)
      expect(await send("order-lists", { others, client_list_id: "l" })).toMatchObject({ json: { orders } });
    expect(await get(id, "orders")).toMatchObject({ orders: [{ order_id: "2" }, ...orders] });
  });

  test("[TR17] a list of orders is sent as a whole, and refused as a whole", async () => {
    const id = await open("list");
    const stop = { side: "sell", type: "STOP", amount: "0.010", stop_price: "90.00" };
    const profit = { side: "sell", type: "LIMIT", amount: "0.010", price: "110.00" };
    const send = (body: object) => api.ask("POST", `/sessions/${id}/order-lists`, { body });
    const list = { list_id: "2", client_list_id: "l", contingency: "OCO", waits: false };
    expect(await send({ others: [stop, profit], client_list_id: "l" })).toMatchObject({
      status: 200,
      json: {
        orders: [
          { order_id: "2", list },
          { order_id: "3", list },
        ],
      },
    });
    await send({ others: [stop, { ...profit, amount: "0.020" }] });
    for (const body of [{ others: [stop] }, { others: [] }, { first: profit, others: [] }])
      expect(await send(body)).toMatchObject({ status: 422 });
    await seek(id, 8);
    expect(await get(id, "orders")).toMatchObject({
      orders: [
        ...[{ status: "NEW" }, { status: "NEW" }],
        ...["4", "5"].map((order_id) => ({
          order_id,
          status: "REJECTED",
          reason: expect.stringMatching(/^INVALID_LIST/),
        })),
      ],
    });
  });

  test("[TR30] settings are read and set, with the instrument", async () => {
    const id = await open("settings");
    expect(await get(id, "trading")).toMatchObject({
      settings: { account: { kind: "spot" }, queue: { model: "risk-averse" } },
      instrument: { symbol: "BTCUSDT", tick: "0.01", lot: "0.001" },
    });
    const account = { kind: "futures", wallet: "1000", leverage: 5 };
    const set = await api.ask("PUT", `/sessions/${id}/trading`, { body: { account } });
    expect(set).toMatchObject({ status: 200, json: { settings: { account } } });
    await place(id, buy);
    const refused = await api.ask("PUT", `/sessions/${id}/trading`, { body: { account } });
    expect(refused).toMatchObject({ status: 409, json: { code: "HAS_ORDERS" } });
  });

  test("[TR30] branches are listed and looked at", async () => {
    const id = await open("branches");
    await place(id, { side: "sell", type: "MARKET", amount: "1.000" });
    await seek(id, 20);
    await seek(id, 2);
    expect(await get(id, "orders")).toMatchObject({ orders: [] });
    const { branches } = z
      .object({ branches: z.array(z.object({ id: z.string(), seq: z.number() })) })
      .parse(await get(id, "branches"));
    expect(branches).toMatchObject([{ seq: 20 }]);
    const branch = `branches/${branches[0]?.id}`;
    expect(await get(id, `${branch}/orders`)).toMatchObject({ seq: 20, orders: [{ side: "sell", status: "FILLED" }] });
    expect(await get(id, `${branch}/fills`)).toMatchObject({ fills: [{ amount: "1.000", price: "99.95" }] });
    expect(await get(id, `${branch}/account`)).toMatchObject({ account: { base: "9.000" } });
    expect(await get(id, "branches/7/fills")).toMatchObject({ code: "BRANCH_NOT_FOUND" });
  });

  test.each([
    [{ ...buy, side: "BUY" }, 422, "side: must be buy or sell"],
    [{ ...buy, amount: "1e3" }, 422, "amount: must be a plain decimal in text"],
    [{ ...buy, amount: 1 }, 400, "amount"],
    [{ ...buy, price: "100.001" }, 422, "price: must have at most 2 decimals"],
    [{ ...buy, color: "red" }, 400, "color"],
  ])("[TR30] %j is refused with %i and the field", async (body, status, message) => {
    const id = await open("refused");
    const refused = await api.ask("POST", `/sessions/${id}/orders`, { body });
    expect(refused.status).toBe(status);
    expect(refused.json).toMatchObject({ message: expect.stringContaining(message) });
  });

  test("[TR30] a tape without an event track takes no orders", async () => {
    const id = await open("bare", 5, "without");
    expect(await api.ask("POST", `/sessions/${id}/orders`, { body: buy })).toMatchObject({
      status: 404,
      json: { code: "TRACK_NOT_FOUND" },
    });
    // Who only looks, as every page does, finds nothing rather than an error.
    expect(await get(id, "trading")).toMatchObject({ instrument: null });
    expect(await get(id, "orders")).toMatchObject({ orders: [] });
    expect(await get(id, "account")).toMatchObject({ account: null });
    expect(await get("nobody", "orders")).toMatchObject({ code: "SESSION_NOT_FOUND" });
  });

  test("[TR31] with authentication, viewers see orders and send none, and others see nothing", async () => {
    const secret = "0123456789abcdef0123456789abcdef";
    const signed = (sub: string, role: string) =>
      new SignJWT({ role })
        .setProtectedHeader({ alg: "HS256" })
        .setSubject(sub)
        .setExpirationTime("1h")
        .sign(new TextEncoder().encode(secret));
    const guarded = await startTestApi({
      redisUrl: inject("redisUrl"),
      tapes,
      access: { AUTH_JWT_SECRET: secret },
    });
    const as = async (role: string, sub: string) => ({
      headers: { authorization: `Bearer ${await signed(sub, role)}` },
    });
    const owner = await as("controller", "ada");
    await guarded.ask("POST", "/sessions/create", { ...owner, body: { session_id: "hers", tape: "small" } });
    const order = (who: object) => guarded.ask("POST", "/sessions/hers/orders", { ...who, body: buy });
    expect((await order(owner)).status).toBe(200);
    expect((await order(await as("viewer", "ada"))).status).toBe(403);
    expect((await order(await as("controller", "bob"))).status).toBe(404);
    expect((await guarded.ask("GET", "/sessions/hers/orders", await as("viewer", "ada"))).status).toBe(200);
    await guarded.stop();
  });
});
