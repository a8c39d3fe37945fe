import { fillsAnswer, ordersAnswer, sessionFill, sessionOrder } from "@tapedeck/protocol";
import { expect } from "vitest";
import { z } from "zod";
import { AnswerLosingProxy } from "../support/answer-losing-proxy.js";
import type { TestCluster } from "../support/cluster.js";
import { havePython, pythonTestOnCluster } from "./python-test.js";
import { fastTiming, type PythonViewer, type PythonViewers, type TradeRequest } from "./python-viewers.js";

const test = pythonTestOnCluster().skipIf(!havePython);

async function openAt(cluster: TestCluster, viewers: PythonViewers, seq = 500) {
  const viewer = await viewers.open({ url: cluster.url, options: { tape: "usdm", max_fps: 0 } });
  await viewer.command("seek", { seq });
  await viewer.until(() => viewer.frames.at(-1)?.seq === seq, "the frame");
  const { best_bid } = z.object({ best_bid: z.number() }).parse(JSON.parse(viewer.frames.at(-1)?.json ?? ""));
  return { viewer, bid: Math.round(best_bid) };
}

const market = { method: "place", arguments: ["buy", "MARKET"], options: { amount: "0.010" } };
const placed = async (viewer: PythonViewer, request: TradeRequest) => sessionOrder.parse(await viewer.trade(request));
const limit = (price: number, options: object = {}) => ({
  ...{ method: "place", arguments: ["buy", "LIMIT"], options: { amount: "0.010", price, ...options } },
});

test("[CL60] [PY12] [TR43] in Python: orders are sent, changed and cancelled, and told before the frame with which they changed", async ({
  cluster,
  viewers,
}) => {
  const { viewer, bid } = await openAt(cluster, viewers);
  const resting = await placed(viewer, limit(bid - 100, { time_in_force: "GTX", client_order_id: "resting" }));
  expect(resting).toMatchObject({ client_order_id: "resting", status: "PENDING", time_in_force: "GTX" });
  const bought = await placed(viewer, market);
  expect(bought.client_order_id).toMatch(/^[a-f0-9]{24}$/);
  await viewer.command("step", { frames: 1 });
  await viewer.until(() => viewer.told.includes(501), "the frame");
  const { fills } = fillsAnswer.parse(await viewer.trade({ method: "fills" }));
  const { orders } = ordersAnswer.parse(await viewer.trade({ method: "orders" }));
  expect(orders).toMatchObject([{ status: "NEW" }, { order_id: bought.order_id, status: "FILLED" }]);
  const heard = viewer.told.slice(viewer.told.indexOf(500) + 1, viewer.told.indexOf(501));
  expect(heard.flatMap((each) => (typeof each === "object" && "fill" in each ? [each.fill] : []))).toEqual(fills);
  expect(heard).toContainEqual({ order: orders[1] });
  expect(sessionFill.parse(fills[0])).toMatchObject({ order_id: bought.order_id, side: "buy" });

  await viewer.trade({ method: "replace", arguments: [resting.order_id], options: { price: bid - 101 } });
  const { price_decimals: decimals } = z
    .object({ instrument: z.object({ price_decimals: z.int() }) })
    .parse(await viewer.trade({ method: "settings" })).instrument;
  await viewer.command("step", { frames: 1 });
  const order = async (id: string) => sessionOrder.parse(await viewer.trade({ method: "order", arguments: [id] }));
  expect((await order(resting.order_id)).price).toBe((bid - 101).toFixed(decimals));
  await viewer.trade({ method: "cancel", arguments: [resting.order_id] });
  const stop = await placed(viewer, {
    ...{ method: "place", arguments: ["sell", "STOP"], options: { amount: 0.01, stop_price: bid - 300 } },
  });
  await viewer.command("step", { frames: 1 });
  expect(await order(resting.order_id)).toMatchObject({ status: "CANCELED" });
  await expect(viewer.trade({ method: "cancel", arguments: [resting.order_id] })).rejects.toMatchObject({
    code: "ORDER_NOT_OPEN",
  });
  expect(await viewer.trade({ method: "cancel_all" })).toMatchObject([{ order_id: stop.order_id }]);
  expect(await viewer.trade({ method: "account" })).toMatchObject({ account: { kind: "spot", base: "10.010" } });
});

test("[CL60] in Python: lists, settings and branches", async ({ cluster, viewers }) => {
  const { viewer, bid } = await openAt(cluster, viewers);
  const account = { kind: "futures", wallet: "1000", leverage: 5 };
  expect(await viewer.trade({ method: "configure", options: { account } })).toMatchObject({ settings: { account } });
  const exits = [
    { side: "sell", type: "STOP", amount: "0.010", stop_price: bid - 300 },
    { side: "sell", type: "LIMIT", amount: "0.010", price: bid + 300, reduce_only: true },
  ];
  const first = { side: "buy", type: "LIMIT", amount: "0.010", price: bid + 100 };
  expect(await viewer.trade({ method: "place_list", arguments: [exits], options: { first } })).toMatchObject([
    { list: { contingency: "OTOCO", waits: false } },
    { list: { waits: true } },
    { reduce_only: true, list: { waits: true } },
  ]);
  await expect(viewer.trade({ method: "configure", options: { account } })).rejects.toMatchObject({
    code: "HAS_ORDERS",
  });
  await viewer.command("step", { frames: 2 });
  expect(await viewer.trade({ method: "account" })).toMatchObject({ account: { position: "0.010" } });
  const before = ordersAnswer.parse(await viewer.trade({ method: "orders", options: { open: true } }));
  expect(before.orders).toHaveLength(2);
  await viewer.command("seek", { seq: 400 });
  const [branch] = z.array(z.object({ id: z.string() })).parse(await viewer.trade({ method: "branches" }));
  const left = { method: "orders", branch: branch?.id ?? "", options: { after: "2" } };
  expect(await viewer.trade(left)).toMatchObject({ orders: before.orders });
});

test("[CL61] [CL62] in Python: what got no answer is sent again, and is there once; a replacement is not sent again", async ({
  cluster,
  viewers,
}) => {
  const { viewer, bid } = await openAt(cluster, viewers);
  const proxy = await AnswerLosingProxy.inFrontOf(cluster.url);
  const trade = (request: TradeRequest) =>
    viewers.trade(viewer.sessionId, { url: proxy.url, timing: fastTiming }, request);
  const count = async () => ordersAnswer.parse(await viewer.trade({ method: "orders" })).orders.length;
  try {
    proxy.loseNext(2);
    const { order_id: id } = sessionOrder.parse(await trade(limit(bid - 100)));
    expect(proxy.lost).toBe(2);
    expect(await count()).toBe(1);
    proxy.loseNext(3);
    const named = limit(bid - 200, { client_order_id: "mine" });
    await expect(trade(named)).rejects.toMatchObject({ code: "interrupted" });
    expect(proxy.lost).toBe(5);
    const again = sessionOrder.parse(await trade(named));
    expect(again).toMatchObject({ client_order_id: "mine", status: "PENDING" });
    await expect(trade(limit(bid - 201, { client_order_id: "mine" }))).rejects.toMatchObject({ code: "INVALID_VALUE" });
    expect(await count()).toBe(2);
    await viewer.command("step", { frames: 1 });

    proxy.loseNext(1);
    const replace = { method: "replace", arguments: [id], options: { price: bid - 101 } };
    await expect(trade(replace)).rejects.toMatchObject({ code: "interrupted" });
    expect(proxy.lost).toBe(6);
    await viewer.command("step", { frames: 1 });
    await viewer.command("start");
    proxy.loseNext(1);
    expect(await trade({ method: "cancel", arguments: [id] })).toMatchObject({ order_id: id });
    await cluster.until(async () => {
      const order = sessionOrder.parse(await viewer.trade({ method: "order", arguments: [id] }));
      return order.status === "CANCELED";
    }, "the cancellation");
    expect(proxy.lost).toBe(7);
  } finally {
    await proxy.close();
  }
});
