import type { NewOrder, SessionFill, SessionOrder } from "@tapedeck/client";
import { expect } from "vitest";
import { AnswerLosingProxy } from "../support/answer-losing-proxy.js";
import { type TestCluster, test } from "../support/cluster.js";
import { clientAt } from "../support/sdk-viewer.js";

const market: NewOrder = { side: "buy", type: "MARKET", amount: "0.010" };

async function openAt(cluster: TestCluster, seq = 500) {
  const session = await clientAt(cluster.url).open({ tape: "usdm", maxFps: 0 });
  const bids = new Map<number, number>();
  session.onFrame((frame) => bids.set(frame.seq, Math.round(frame.best_bid ?? 0)));
  await session.seek({ seq });
  await cluster.until(() => bids.has(seq), "the frame");
  return { session, bid: bids.get(seq) ?? 0 };
}

test("[CL60] an order of each type is sent, changed, filled, told, and shown in orders, fills and account", async ({
  cluster,
}) => {
  const { session, bid } = await openAt(cluster);
  const { trading } = session;
  const told: { orders: SessionOrder[]; fills: SessionFill[] } = { orders: [], fills: [] };
  session.onOrder((order) => told.orders.push(order));
  session.onFill((fill) => told.fills.push(fill));

  const resting = await trading.place({
    ...{ side: "buy", type: "LIMIT", amount: 0.01, price: bid - 100, timeInForce: "GTX" },
    ...{ clientOrderId: "resting", expiresAt: undefined },
  });
  expect(resting).toMatchObject({ client_order_id: "resting", status: "PENDING", time_in_force: "GTX" });
  const bought = await trading.place(market);
  expect(bought.client_order_id).toMatch(/^[a-z0-9]{4,28}$/);
  const paid = await trading.place({ side: "sell", type: "MARKET", quoteAmount: "100" });
  const end = new Date(Date.parse(session.view.cursor_ts ?? "") + 2_000);
  const ending = await trading.place({
    ...{ side: "sell", type: "LIMIT", amount: "0.010", price: `${bid + 500}`, expiresAt: end },
  });
  const stops = ["STOP", "TAKE_PROFIT"] as const;
  const stop = await Promise.all(
    stops.flatMap((type) => {
      const of = { side: "sell", amount: "0.010", stopPrice: type === "STOP" ? bid - 200 : bid + 200 } as const;
      return [trading.place({ ...of, type }), trading.place({ ...of, type: `${type}_LIMIT`, price: of.stopPrice })];
    }),
  );
  await session.step({ frames: 5 });
  await cluster.until(() => told.fills.length >= 2, "both fills");
  expect(await trading.order(bought.order_id)).toMatchObject({ status: "FILLED" });
  expect(told.fills.map(({ order_id }) => order_id)).toEqual(expect.arrayContaining([bought.order_id, paid.order_id]));
  const { fills, seq, epoch } = await trading.fills();
  expect(fills).toEqual(told.fills);
  expect({ seq, epoch }).toEqual({ seq: 505, epoch: session.position.epoch });
  expect((await trading.account()).account).toMatchObject({ kind: "spot", base: fills.at(-1)?.position });

  expect(await trading.replace(resting.order_id, { price: bid - 101, amount: "0.020" })).toMatchObject({
    order_id: resting.order_id,
  });
  await trading.replace(stop[0]?.order_id ?? "", { stopPrice: `${bid - 201}` });
  await trading.cancel(stop[1]?.order_id ?? "");
  await session.step({ ms: 3_000 });
  expect(await trading.order(resting.order_id)).toMatchObject({
    price: expect.any(String),
    amount: expect.any(String),
  });
  expect(Number((await trading.order(resting.order_id)).price)).toBeCloseTo(bid - 101);
  expect(Number((await trading.order(stop[0]?.order_id ?? "")).stop_price)).toBeCloseTo(bid - 201);
  expect(await trading.order(stop[1]?.order_id ?? "")).toMatchObject({ status: "CANCELED" });
  expect(await trading.order(ending.order_id)).toMatchObject({ status: "EXPIRED" });
  const open = (await trading.orders({ open: true })).orders.map(({ order_id }) => order_id);
  expect(open).toContain(resting.order_id);
  const next = await trading.orders({ after: bought.order_id, limit: 1 });
  expect(next.orders).toMatchObject([{ order_id: paid.order_id }]);
  expect((await trading.cancelAll()).map(({ order_id }) => order_id).sort()).toEqual(open.sort());
  await session.step({ frames: 1 });
  expect((await trading.orders({ open: true })).orders).toEqual([]);
  session.close();
});

test("[CL60] orders of a list are sent together, and what a rewind undid is a branch", async ({ cluster }) => {
  const { session, bid } = await openAt(cluster);
  const { trading } = session;
  const stop: NewOrder = { side: "sell", type: "STOP", amount: "0.010", stopPrice: bid - 300 };
  const profit: NewOrder = { side: "sell", type: "LIMIT", amount: "0.010", price: bid + 300 };
  const oco = await trading.placeList({ others: [stop, profit], clientListId: "exits" });
  expect(oco).toMatchObject([
    { type: "STOP", list: { contingency: "OCO", client_list_id: "exits" } },
    { type: "LIMIT", list: { contingency: "OCO" } },
  ]);
  const first: NewOrder = { ...profit, side: "buy", price: bid - 300 };
  expect(await trading.placeList({ first, others: [stop, profit] })).toHaveLength(3);
  await session.step({ frames: 3 });
  const before = await trading.orders();
  await session.seek({ seq: 400 });
  expect((await trading.orders()).orders).toEqual([]);
  const [branch] = await trading.branches();
  const left = trading.branch(branch?.id ?? "");
  expect((await left.orders()).orders).toEqual(before.orders);
  expect((await left.fills()).fills).toEqual([]);
  expect((await left.account()).account).toMatchObject({ kind: "spot", base: "10.000" });
  session.close();
});

test("[CL60] trading settings are read and changed before the first order", async ({ cluster }) => {
  const { session } = await openAt(cluster);
  const { trading } = session;
  const account = { kind: "futures", wallet: "1000", leverage: 5 } as const;
  expect((await trading.settings()).instrument).toMatchObject({ symbol: "BTCUSDT" });
  const changed = await trading.configure({ account, fees: { maker: "0", taker: "0.0001" } });
  expect(changed.settings).toMatchObject({ account, fees: { maker: "0", taker: "0.0001" }, fills: "partial" });
  await trading.place(market);
  await expect(trading.configure({ account })).rejects.toMatchObject({ code: "HAS_ORDERS" });
  await session.step({ frames: 2 });
  await trading.place({ side: "sell", type: "STOP", closePosition: true, stopPrice: 1 });
  const reducing = await trading.place({ side: "sell", type: "LIMIT", amount: 1, price: 99_000, reduceOnly: true });
  await session.step({ frames: 2 });
  expect(await trading.order(reducing.order_id)).toMatchObject({ reduce_only: true, open: "0.010", status: "NEW" });
  expect((await trading.account()).account).toMatchObject({ kind: "futures", position: "0.010" });
  session.close();
});

test("[CL61] client.trading needs no connection, and an order is sent once under its name", async ({ cluster }) => {
  const { session } = await openAt(cluster);
  session.close();
  const trading = clientAt(cluster.url, { WebSocket: undefined }).trading(session.id);
  const named = { ...market, clientOrderId: "mine" };
  const sent = await Promise.all(Array.from({ length: 6 }, () => trading.place(named)));
  expect(new Set(sent.map(({ order_id }) => order_id)).size).toBe(1);
  await expect(trading.place({ ...named, amount: "0.020" })).rejects.toMatchObject({ code: "INVALID_VALUE" });
  await trading.place(market);
  await trading.place(market);
  expect((await trading.orders()).orders).toHaveLength(3);
});

test("[CL62] what got no answer is sent again, and is there once; a replacement is not sent again", async ({
  cluster,
}) => {
  const { session, bid } = await openAt(cluster);
  session.close();
  const proxy = await AnswerLosingProxy.inFrontOf(cluster.url);
  const trading = clientAt(proxy.url).trading(session.id);
  const direct = clientAt(cluster.url).trading(session.id);
  try {
    proxy.loseNext(2);
    const { order_id } = await trading.place({ side: "buy", type: "LIMIT", amount: "0.010", price: bid - 100 });
    proxy.loseNext(1);
    const list = await trading.placeList({
      others: [
        { side: "sell", type: "STOP", amount: "0.010", stopPrice: bid - 300 },
        { side: "sell", type: "LIMIT", amount: "0.010", price: bid + 300 },
      ],
    });
    expect(proxy.lost).toBe(3);
    expect((await direct.orders()).orders.map((order) => order.order_id)).toEqual([
      order_id,
      ...list.map((order) => order.order_id),
    ]);

    proxy.loseNext(1);
    await expect(trading.replace(order_id, { price: bid - 101 })).rejects.toMatchObject({
      code: "interrupted",
      message: /may have been carried out/,
    });
    expect(proxy.lost).toBe(4);

    proxy.loseNext(3);
    const lost = { ...market, clientOrderId: "lost" };
    await expect(trading.place(lost)).rejects.toMatchObject({ code: "interrupted" });
    expect(proxy.lost).toBe(7);
    expect(await trading.place(lost)).toMatchObject({ client_order_id: "lost" });
    expect((await direct.orders()).orders).toHaveLength(4);
  } finally {
    await proxy.close();
  }
  const nowhere = clientAt(["http://127.0.0.1:1", cluster.url]).trading(session.id);
  expect((await nowhere.place({ ...market, clientOrderId: "lost" })).order_id).toBeDefined();
  expect((await direct.orders()).orders).toHaveLength(4);
});

test("[CL62] a cancellation without an answer is sent again, and resolves with the order that it has cancelled", async ({
  cluster,
}) => {
  const { session, bid } = await openAt(cluster);
  const proxy = await AnswerLosingProxy.inFrontOf(cluster.url);
  const trading = clientAt(proxy.url).trading(session.id);
  const place = (price: number) => trading.place({ side: "buy", type: "LIMIT", amount: "0.010", price });
  const status = async (id: string) => (await trading.order(id)).status;
  try {
    const resting = await Promise.all([place(bid - 100), place(bid - 101), place(bid - 102)]);
    const ids = resting.map(({ order_id }) => order_id);
    const [one = "", two = "", three = ""] = ids;
    await session.step({ frames: 2 });
    // Paused, nothing arrives: the order is open, and both attempts are in the log.
    proxy.loseNext(1);
    expect(await trading.cancel(one)).toMatchObject({ order_id: one, status: "NEW" });
    await session.step({ frames: 2 });
    expect(await status(one)).toBe("CANCELED");
    await expect(trading.cancel(one)).rejects.toMatchObject({ code: "ORDER_NOT_OPEN" });
    await expect(trading.cancel("999")).rejects.toMatchObject({ code: "ORDER_NOT_FOUND" });
    // Playing, the first attempt has cancelled it when the second one arrives.
    await session.start();
    for (const id of [two, three]) {
      proxy.loseNext(1);
      expect(await trading.cancel(id)).toMatchObject({ order_id: id });
      await cluster.until(async () => (await status(id)) === "CANCELED", "the cancellation");
    }
    const filled = await trading.place(market);
    await cluster.until(async () => (await status(filled.order_id)) === "FILLED", "the fill");
    proxy.loseNext(1);
    await expect(trading.cancel(filled.order_id)).rejects.toMatchObject({ code: "ORDER_NOT_OPEN" });
    expect(proxy.lost).toBe(4);
    proxy.loseNext(1);
    await trading.cancelAll();
    expect((await trading.orders({ open: true })).orders).toEqual([]);
  } finally {
    await proxy.close();
  }
  session.close();
});

test("[CL62] [TR18] orders that a frozen api has in its hands, and that another one has taken meanwhile, are there once", async ({
  cluster,
}) => {
  const { session } = await openAt(cluster);
  session.close();
  const [frozen, other] = cluster.apis;
  if (frozen === undefined || other === undefined) throw new Error("two apis were asked for");
  const first = clientAt(frozen.url).trading(session.id);
  const trading = clientAt([frozen.url, other.url]).trading(session.id);
  await first.place({ ...market, clientOrderId: "before" });
  const names = Array.from({ length: 10 }, (_, nth) => `order-${nth}`);
  cluster.signal(frozen, "SIGSTOP");
  try {
    const placed = await Promise.all(names.map((clientOrderId) => trading.place({ ...market, clientOrderId })));
    expect(new Set(placed.map(({ order_id }) => order_id)).size).toBe(10);
  } finally {
    cluster.signal(frozen, "SIGCONT");
  }
  // It answers after what waited for it.
  await first.place({ ...market, clientOrderId: "after" });
  const { orders } = await clientAt(other.url).trading(session.id).orders();
  expect(orders.map(({ client_order_id: name }) => name).sort()).toEqual(["after", "before", ...names].sort());
  await cluster.untilAllReady();
});

test("[CL17] invalid orders reject with bad_argument, or with the cluster's refusal, and nothing is sent", async ({
  cluster,
}) => {
  const { session } = await openAt(cluster);
  const { trading } = session;
  const never = new Date(Number.NaN);
  // Untyped programs may pass anything.
  const calls: readonly [method: string, args: readonly unknown[], code: string][] = [
    ["place", [], "bad_argument"],
    ["place", [{ ...market, expiresAt: never }], "bad_argument"],
    ["place", [{ ...market, amount: 1n }], "bad_argument"],
    ["place", [{ ...market, amount: 1e-7 }], "INVALID_VALUE"],
    ["place", [{ ...market, side: "BUY" }], "INVALID_VALUE"],
    ["place", [{ ...market, colour: "red" }], "MALFORMED"],
    ["placeList", [], "bad_argument"],
    ["placeList", [{ others: market }], "bad_argument"],
    ["placeList", [{ others: [null] }], "bad_argument"],
    ["placeList", [{ others: [market] }], "INVALID_VALUE"],
    ["replace", ["2"], "bad_argument"],
    ["replace", ["2", {}], "INVALID_VALUE"],
    ["replace", ["2", { price: 1 }], "ORDER_NOT_FOUND"],
    ["cancel", ["\ud800"], "bad_argument"],
    ["order", ["2"], "ORDER_NOT_FOUND"],
    ["orders", [null], "bad_argument"],
    ["fills", [null], "bad_argument"],
    ["configure", [], "bad_argument"],
    ["configure", [{ fills: "some" }], "INVALID_VALUE"],
  ];
  for (const [method, args, code] of calls) {
    const outcome: Promise<unknown> = Reflect.apply(Reflect.get(trading, method), trading, args);
    await expect(outcome, `${method} ${String(args)}`).rejects.toMatchObject({ name: "TapedeckError", code });
  }
  expect((await trading.orders()).orders).toEqual([]);
  session.close();
});
