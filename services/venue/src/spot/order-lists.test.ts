import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { z } from "zod";
import { recordedFiles } from "../../../../test/support/tapes.js";
import { VenueSocket } from "../../../../test/support/venue-socket.js";
import { botAt, type RecordedVenues, recordedVenues } from "../testing/recorded-venues.js";
import type { SigningClient } from "../testing/signing-client.js";

const files = recordedFiles("usdm");
if (files.length === 0) process.stderr.write("\nSKIPPED: lists of orders on a recording, which is not there\n\n");

const symbol = "BTCUSDT";
const list = z.looseObject({
  orderListId: z.int(),
  listClientOrderId: z.string(),
  orders: z.array(z.looseObject({ symbol: z.string(), orderId: z.int(), clientOrderId: z.string() })),
});
const placed = list.extend({ orderReports: z.array(z.looseObject({ status: z.string() })) });
const event = z.looseObject({ e: z.string() });
/** Orders are counted anew every ten seconds. */
const orderWindow = () => Math.floor(Date.now() / 10_000);

describe.skipIf(files.length === 0)("on a recording", () => {
  let rig: RecordedVenues;
  beforeAll(async () => {
    rig = await recordedVenues(inject("redisUrl"), files);
  });
  afterAll(() => rig?.stop());

  /** A session that plays, and a bot of it on each node. */
  async function begin(id: string, market: "spot" | "usdm") {
    const { sessions } = rig.deck;
    await sessions.open(id, {});
    await sessions.perform(id, { type: "seek", to: { seq: 600 } });
    const key = await rig.keyOf(id);
    const [bot, other] = rig.venues.map((venue) => botAt(venue, { session: id, market, key }));
    if (bot === undefined || other === undefined) throw new Error("there are two nodes");
    await sessions.perform(id, { type: "start" });
    return { bot, other, key };
  }

  /** What user streams tell of a session, at each node. */
  async function streams(id: string, bot: SigningClient): Promise<VenueSocket[]> {
    const { body } = await bot.keyed("POST", "/api/v3/userDataStream");
    const { listenKey } = z.object({ listenKey: z.string() }).parse(body);
    return Promise.all(rig.venues.map(({ url }) => VenueSocket.open(`${url}/venue/binance/${id}/ws/${listenKey}`)));
  }

  /** The market, a moment ago: the first order makes it known. */
  async function priceAt(bot: SigningClient, distance: number): Promise<string> {
    const { body } = await bot.signed("GET", "/api/v3/ticker/price", { symbol });
    return (Number(z.object({ price: z.string() }).parse(body).price) + distance).toFixed(1);
  }

  const told = (socket: VenueSocket) =>
    socket.messages.flatMap((message) => {
      const read = event.safeParse(message);
      return read.success && read.data.e !== "outboundAccountPosition" ? [read.data] : [];
    });

  test("[VK16] [VK35] an OCO is placed, listed and canceled as one, and user streams of all nodes tell it", async () => {
    const { bot, other } = await begin("oco", "spot");
    const sockets = await streams("oco", bot);
    const began = orderWindow();
    await bot.signed("POST", "/api/v3/order", { symbol, side: "BUY", type: "MARKET", quantity: "0.010" });
    const oco = { symbol, side: "SELL", quantity: "0.010", listClientOrderId: "my-list" };
    const fields = {
      ...{ ...oco, aboveType: "LIMIT_MAKER", abovePrice: await priceAt(bot, 900), aboveClientOrderId: "my-profit" },
      ...{ belowType: "STOP_LOSS", belowStopPrice: await priceAt(bot, -900), newOrderRespType: "RESULT" },
    };
    const answer = await bot.signed("POST", "/api/v3/orderList/oco", fields);
    if (orderWindow() === began) expect(answer.headers.get("x-mbx-order-count-10s")).toBe("3");
    const executing = { contingencyType: "OCO", listStatusType: "EXEC_STARTED", listOrderStatus: "EXECUTING" };
    expect(answer.body).toMatchObject({
      ...{ ...executing, symbol, listClientOrderId: "my-list" },
      orderReports: [
        { type: "STOP_LOSS", status: "NEW", side: "SELL", workingTime: -1, price: "0.00000000" },
        { type: "LIMIT_MAKER", status: "NEW", clientOrderId: "my-profit", workingTime: expect.any(Number) },
      ],
    });
    const { orderListId, orders } = placed.parse(answer.body);
    expect(await bot.signed("POST", "/api/v3/orderList/oco", fields)).toMatchObject({
      body: { code: -2010, msg: "Duplicate order sent." },
    });
    const names: Record<string, string | number>[] = [{ orderListId }, { origClientOrderId: "my-list" }];
    for (const name of names) {
      const shown = await other.signed("GET", "/api/v3/orderList", name);
      expect(shown.body).toMatchObject({ ...executing, orderListId, orders });
    }
    expect((await other.signed("GET", "/api/v3/openOrderList")).body).toMatchObject([{ orderListId }]);
    expect((await other.signed("GET", "/api/v3/openOrders", { symbol })).body).toMatchObject([
      { orderListId, type: "STOP_LOSS", isWorking: false },
      { orderListId, type: "LIMIT_MAKER", isWorking: true },
    ]);
    const canceled = await other.signed("DELETE", "/api/v3/orderList", { symbol, orderListId });
    expect(canceled.body).toMatchObject({
      ...{ contingencyType: "OCO", listStatusType: "ALL_DONE", listOrderStatus: "ALL_DONE", orders },
      orderReports: [{ status: "CANCELED" }, { status: "CANCELED", origClientOrderId: "my-profit" }],
    });
    expect(await other.signed("DELETE", "/api/v3/orderList", { symbol, orderListId })).toMatchObject({
      body: { code: -2011 },
    });
    expect((await bot.signed("GET", "/api/v3/openOrderList")).body).toEqual([]);
    expect((await bot.signed("GET", "/api/v3/allOrderList")).body).toMatchObject([{ listOrderStatus: "ALL_DONE" }]);
    for (const socket of sockets) {
      await socket.until((message) => JSON.stringify(message).includes('"L":"ALL_DONE"'), "the list to be over");
      const ofList = told(socket).filter(({ g, i }) => g === orderListId || i === orderListId);
      expect(ofList.map(({ e, x, X, l }) => [e, x ?? l, X])).toEqual([
        ["executionReport", "NEW", "NEW"],
        ["executionReport", "NEW", "NEW"],
        ["listStatus", "EXEC_STARTED", undefined],
        ["executionReport", "CANCELED", "CANCELED"],
        ["executionReport", "CANCELED", "CANCELED"],
        ["listStatus", "ALL_DONE", undefined],
      ]);
      expect(ofList[2]).toMatchObject({
        ...{ s: symbol, g: orderListId, c: "OCO", L: "EXECUTING", r: "NONE", C: "my-list" },
        O: orders.map(({ orderId: i, clientOrderId: c }) => ({ s: symbol, i, c })),
      });
    }
  });

  test("[VK16] what follows the first order of a list goes to the market when that has been filled", async () => {
    const { bot, other } = await begin("otoco", "spot");
    const [socket] = await streams("otoco", bot);
    await bot.signed("POST", "/api/v3/order", { symbol, side: "BUY", type: "MARKET", quantity: "0.010" });
    const working = {
      ...{ symbol, workingType: "LIMIT", workingSide: "BUY", workingQuantity: "0.010", workingTimeInForce: "GTC" },
      workingPrice: await priceAt(bot, -900),
    };
    const pair = {
      ...{ pendingSide: "SELL", pendingQuantity: "0.010", pendingBelowType: "STOP_LOSS_LIMIT" },
      ...{ pendingBelowPrice: await priceAt(bot, -910), pendingBelowStopPrice: await priceAt(bot, -905) },
      ...{
        pendingBelowTimeInForce: "GTC",
        pendingAboveType: "LIMIT_MAKER",
        pendingAbovePrice: await priceAt(bot, 900),
      },
    };
    const waits = await bot.signed("POST", "/api/v3/orderList/otoco", { ...working, ...pair });
    expect(waits.body).toMatchObject({
      ...{ contingencyType: "OTO", listStatusType: "EXEC_STARTED" },
      orderReports: [
        { type: "LIMIT", status: "NEW" },
        { type: "STOP_LOSS_LIMIT", status: "PENDING_NEW", workingTime: -1 },
        { type: "LIMIT_MAKER", status: "PENDING_NEW", workingTime: -1 },
      ],
    });
    // A cancel of one of the list takes the others along, also on another node.
    const [first] = placed.parse(waits.body).orders;
    await other.signed("DELETE", "/api/v3/order", { symbol, orderId: first?.orderId ?? 0 });
    expect((await bot.signed("GET", "/api/v3/openOrders", { symbol })).body).toEqual([]);
    const takes = { ...working, workingPrice: await priceAt(bot, 900) };
    const pending = { pendingType: "MARKET", pendingSide: "SELL", pendingQuantity: "0.010" };
    const filled = await bot.signed("POST", "/api/v3/orderList/oto", { ...takes, ...pending });
    const { orderListId, orders } = placed.parse(filled.body);
    await socket?.until(
      (message) => JSON.stringify(message).includes(`"g":${orderListId},"c":"OTO","l":"ALL_DONE"`),
      "the list to be over",
    );
    const follower = orders[1]?.orderId;
    const ofFollower = socket === undefined ? [] : told(socket).filter(({ i }) => i === follower);
    expect(ofFollower.slice(0, 2)).toMatchObject([
      { x: "NEW", X: "PENDING_NEW", g: orderListId, w: false },
      { x: "NEW", X: "NEW", w: true },
    ]);
    expect(ofFollower.at(-1)).toMatchObject({ x: "TRADE", X: "FILLED" });
    const trades = (await other.signed("GET", "/api/v3/myTrades", { symbol })).body;
    expect(
      z
        .array(z.looseObject({ orderListId: z.int() }))
        .parse(trades)
        .at(-1)?.orderListId,
    ).toBe(orderListId);
    await bot.signed("POST", "/api/v3/orderList/otoco", { ...working, ...pair });
    expect((await bot.signed("DELETE", "/api/v3/openOrders", { symbol })).body).toMatchObject([
      { contingencyType: "OTO", listOrderStatus: "ALL_DONE", orderReports: [{}, {}, {}] },
    ]);
  });

  test("[VK16] a list that the market refuses is refused as a whole, with the venue's words", async () => {
    const { bot } = await begin("refused", "spot");
    await bot.signed("POST", "/api/v3/order", { symbol, side: "BUY", type: "MARKET", quantity: "0.010" });
    const fields = { symbol, side: "SELL", quantity: "0.010", price: await priceAt(bot, 900) };
    const old = (more: object) => bot.signed("POST", "/api/v3/order/oco", { ...fields, ...more });
    expect(await old({ stopPrice: await priceAt(bot, 800) })).toMatchObject({
      body: { code: -2010, msg: "The relationship of the prices for the orders is not correct." },
    });
    expect(await old({ stopPrice: await priceAt(bot, -900), quantity: "11.000" })).toMatchObject({
      body: { code: -2010, msg: "Account has insufficient balance for requested action." },
    });
    expect((await bot.signed("GET", "/api/v3/allOrderList")).body).toEqual([]);
    const accepted = await old({
      stopPrice: await priceAt(bot, -900),
      stopLimitPrice: "1000",
      stopLimitTimeInForce: "GTC",
    });
    expect(accepted.body).toMatchObject({ orderReports: [{ type: "STOP_LOSS_LIMIT" }, { type: "LIMIT_MAKER" }] });
  });

  test("[VK17] a futures order has a goodTillDate, which is a time of the market's", async () => {
    const { bot } = await begin("gtd", "usdm");
    const now = Date.now();
    const order = { symbol, side: "BUY", type: "LIMIT", quantity: "0.010", price: "10000.0", timeInForce: "GTD" };
    const send = (more: object) => bot.signed("POST", "/fapi/v1/order", { ...order, ...more });
    expect(await send({})).toMatchObject({ body: { code: -1102 } });
    expect(await send({ goodTillDate: now + 500_000 })).toMatchObject({ body: { code: -5040 } });
    expect(await send({ timeInForce: "GTC", goodTillDate: now + 700_000 })).toMatchObject({ body: { code: -1106 } });
    const goodTillDate = Math.ceil(now / 1000) * 1000 + 605_000;
    const sent = await send({ goodTillDate: goodTillDate + 999 });
    expect(sent.body).toMatchObject({ status: "NEW", timeInForce: "GTD", goodTillDate });
    const { orderId } = z.looseObject({ orderId: z.int() }).parse(sent.body);
    const shown = async () => (await bot.signed("GET", "/fapi/v1/order", { symbol, orderId })).body;
    const first = await shown();
    expect(first).toMatchObject({ goodTillDate, timeInForce: "GTD" });
    // It is a place on the tape, at which [TR15] has it end: a seek moves the market's time, and so what it is there.
    await rig.deck.sessions.perform("gtd", { type: "seek", to: { seq: 700 } });
    const moved = z.looseObject({ goodTillDate: z.int(), time: z.int() }).parse(await shown());
    const before = z.looseObject({ time: z.int() }).parse(first);
    expect(moved.goodTillDate - moved.time).toBe(goodTillDate - before.time);
    expect(moved.goodTillDate).not.toBe(goodTillDate);
  });

  test("[VK18] a countdown cancels all orders though the node that took it is gone, unless it is renewed", async () => {
    const { other, key } = await begin("countdown", "usdm");
    const node = await rig.start();
    const bot = botAt(node, { session: "countdown", market: "usdm", key });
    const order = { symbol, side: "BUY", type: "LIMIT", quantity: "0.010", price: "10000.0", timeInForce: "GTC" };
    const countdown = (countdownTime: number) =>
      bot.signed("POST", "/fapi/v1/countdownCancelAll", { symbol, countdownTime });
    expect(await bot.signed("POST", "/fapi/v1/order", order)).toMatchObject({ body: { status: "NEW" } });
    const open = async () => (await other.signed("GET", "/fapi/v1/openOrders", { symbol })).body;
    await countdown(60_000);
    expect(await countdown(0)).toMatchObject({ body: { symbol, countdownTime: "0" } });
    expect(await countdown(1_500)).toMatchObject({ status: 200, body: { symbol, countdownTime: "1500" } });
    await node.end();
    expect(await open()).toHaveLength(1);
    await expect.poll(open, { timeout: 10_000 }).toEqual([]);
    expect((await other.signed("GET", "/fapi/v1/allOrders", { symbol })).body).toMatchObject([{ status: "CANCELED" }]);
  });
});
