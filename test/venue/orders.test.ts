import { tradingAnswer } from "@tapedeck/protocol";
import { describe, expect } from "vitest";
import { z } from "zod";
import { testOnCluster } from "../support/cluster.js";
import { recordedFiles } from "../support/tapes.js";
import { venueBot } from "../support/venue-bot.js";

const test = testOnCluster(() => ({ venues: 2, gateways: 1, apis: 1, tickers: 1 }));

const noRecording = recordedFiles("usdm").length === 0;
if (noRecording) console.warn("SKIPPED: orders at the venue on a recording, which is not there.");

const order = z.looseObject({ orderId: z.int(), clientOrderId: z.string(), status: z.string() });
const symbol = "BTCUSDT";
const market = (side: "BUY" | "SELL", quantity = "0.010") => ({ symbol, side, type: "MARKET", quantity });
const limit = (price: string) => ({ symbol, side: "BUY", type: "LIMIT", timeInForce: "GTC", quantity: "0.010", price });

describe.skipIf(noRecording)("on a recording", () => {
  test("[VK20] spot orders are placed, filled, listed and canceled, on any node", async ({ cluster }) => {
    const { session_id: id } = await cluster.http.create({ tape: "usdm" });
    await cluster.http.control(id, "start");
    const bot = await venueBot(cluster, id, "spot");
    const other = await venueBot(cluster, id, "spot", 1);

    const bought = await bot.signed("POST", "/api/v3/order", market("BUY"));
    expect(bought).toMatchObject({
      status: 200,
      body: {
        symbol,
        status: "FILLED",
        executedQty: "0.01000000",
        fills: [{ qty: "0.01000000", commissionAsset: "USDT" }],
      },
    });
    const rested = await other.signed("POST", "/api/v3/order", limit("10000.0"));
    // A window of ten seconds may end while one of the orders waits for its answer, which then says 0.
    const counted = [bought, rested].map(({ headers }) => Number(headers.get("x-mbx-order-count-10s")));
    expect(Math.max(...counted)).toBe(1);
    const resting = order.parse(rested.body);
    expect(resting).toMatchObject({ status: "NEW" });
    expect(await bot.signed("GET", "/api/v3/openOrders", { symbol })).toMatchObject({
      body: [{ orderId: resting.orderId, clientOrderId: resting.clientOrderId, price: "10000.00000000" }],
    });
    const byName = { symbol, origClientOrderId: resting.clientOrderId };
    expect(await bot.signed("DELETE", "/api/v3/order", byName)).toMatchObject({
      status: 200,
      body: { orderId: resting.orderId, origClientOrderId: resting.clientOrderId, status: "CANCELED" },
    });
    expect(await other.signed("DELETE", "/api/v3/order", byName)).toMatchObject({
      status: 400,
      body: { code: -2011, msg: "Unknown order sent." },
    });
    expect(await other.signed("GET", "/api/v3/order", { symbol, orderId: 999 })).toMatchObject({
      body: { code: -2013 },
    });
    expect(await other.signed("GET", "/api/v3/allOrders", { symbol })).toMatchObject({
      body: [{ status: "FILLED" }, { status: "CANCELED" }],
    });
    const trades = z
      .array(z.looseObject({ qty: z.string(), isMaker: z.boolean() }))
      .parse((await other.signed("GET", "/api/v3/myTrades", { symbol })).body);
    expect(trades).toMatchObject([{ qty: "0.01000000", isMaker: false, isBuyer: true }]);
    expect(await other.signed("GET", "/api/v3/account")).toMatchObject({
      body: { balances: [{ asset: "BTC", free: "10.01000000", locked: "0.00000000" }, { asset: "USDT" }] },
    });
    await cluster.http.delete(id);
  });

  test("[VK21] what the account cannot pay, and what the engine refuses, has Binance's codes", async ({ cluster }) => {
    const { session_id: id } = await cluster.http.create({ tape: "usdm" });
    await cluster.http.control(id, "seek", { seq: 300 }); // there has been a trade by then
    await cluster.http.control(id, "start");
    const bot = await venueBot(cluster, id, "spot");
    const codeOf = async (fields: object) => {
      const { body } = await bot.signed("POST", "/api/v3/order", { ...fields });
      return z.looseObject({ code: z.int().optional(), msg: z.string().optional() }).parse(body);
    };
    expect(await codeOf(market("SELL", "20"))).toMatchObject({
      code: -2010,
      msg: "Account has insufficient balance for requested action.",
    });
    expect(
      await codeOf({ symbol, side: "BUY", type: "LIMIT_MAKER", quantity: "0.010", price: "90000.0" }),
    ).toMatchObject({
      code: -2010,
      msg: "Order would immediately match and take.",
    });
    expect(
      await codeOf({ symbol, side: "BUY", type: "STOP_LOSS", quantity: "0.010", stopPrice: "10000.0" }),
    ).toMatchObject({
      code: -2010,
      msg: "Order would trigger immediately.",
    });
    expect(await codeOf({ ...market("BUY"), symbol: "ETHUSDT" })).toMatchObject({ code: -1121 });
    expect(await codeOf({ ...limit("10000.0"), newClientOrderId: "twice" })).toMatchObject({ status: "NEW" });
    expect(await codeOf({ ...limit("10000.0"), newClientOrderId: "twice" })).toMatchObject({
      code: -2010,
      msg: "Duplicate order sent.",
    });
    await cluster.http.delete(id);
  });

  test("[VK19] [VK22] futures orders make a position on an account of their own, and reduce it", async ({
    cluster,
  }) => {
    const { session_id: id } = await cluster.http.create({ tape: "usdm" });
    await cluster.http.control(id, "start");
    const fees = { maker: "0", taker: "0.001" };
    // Whoever sets fees only has chosen no account.
    await cluster.http.ask(tradingAnswer, "PATCH", `/sessions/${id}/trading`, { fees });
    const bot = await venueBot(cluster, id, "usdm");
    expect(await bot.signed("POST", "/fapi/v1/leverage", { symbol, leverage: 10 })).toMatchObject({
      body: { leverage: 10 },
    });
    expect(await bot.signed("POST", "/fapi/v1/order", market("SELL", "0.020"))).toMatchObject({
      status: 200,
      body: { status: "FILLED", executedQty: "0.02", positionSide: "BOTH" },
    });
    expect(await bot.signed("GET", "/fapi/v2/positionRisk", { symbol })).toMatchObject({
      body: [{ positionAmt: "-0.02", leverage: "10", marginType: "cross" }],
    });
    expect(await cluster.http.ask(tradingAnswer, "GET", `/sessions/${id}/trading`)).toMatchObject({
      ...{ settings: { fees }, queue_auto: true },
    });
    const tooMuch = { ...market("BUY", "0.030"), reduceOnly: true };
    expect(await bot.signed("POST", "/fapi/v1/order", tooMuch)).toMatchObject({
      body: { status: "FILLED", origQty: "0.02", executedQty: "0.02", reduceOnly: true },
    });
    expect(await bot.signed("GET", "/fapi/v3/positionRisk")).toMatchObject({ body: [] });
    expect(await bot.signed("POST", "/fapi/v1/order", tooMuch)).toMatchObject({ body: { code: -2022 } });
    expect(await bot.signed("POST", "/fapi/v1/order", market("BUY", "900000"))).toMatchObject({
      body: { code: -2019 },
    });
    const batch = [limit("10000.0"), { ...limit("10001.0"), quantity: "0" }];
    expect(await bot.signed("POST", "/fapi/v1/batchOrders", { batchOrders: JSON.stringify(batch) })).toMatchObject({
      body: [{ status: "NEW", price: "10000" }, { code: -4003 }],
    });
    const stop = {
      symbol,
      side: "SELL",
      type: "STOP_MARKET",
      quantity: "0.010",
      algoType: "CONDITIONAL",
      triggerPrice: "5000.0",
    };
    const algo = await bot.signed("POST", "/fapi/v1/algoOrder", stop);
    expect(algo).toMatchObject({ body: { algoStatus: "NEW", triggerPrice: "5000", orderType: "STOP_MARKET" } });
    expect(await bot.signed("GET", "/fapi/v1/openOrders", { symbol })).toMatchObject({ body: [{}, {}] });
    expect(await bot.signed("DELETE", "/fapi/v1/allOpenOrders", { symbol })).toMatchObject({ body: { code: 200 } });
    expect(await bot.signed("GET", "/fapi/v1/openOrders", { symbol })).toMatchObject({ body: [] });
    const spot = await venueBot(cluster, id, "spot");
    expect(await spot.signed("GET", "/api/v3/account")).toMatchObject({ status: 401, body: { code: -2015 } });
    await cluster.http.delete(id);
  });

  test("[VK23] while the market stands still an order is new, and a cancel is pending", async ({ cluster }) => {
    const { session_id: id } = await cluster.http.create({ tape: "usdm" });
    await cluster.http.control(id, "start");
    await cluster.http.control(id, "pause");
    const bot = await venueBot(cluster, id, "spot");
    const waiting = order.parse((await bot.signed("POST", "/api/v3/order", market("BUY"))).body);
    expect(waiting).toMatchObject({ status: "NEW", executedQty: "0.00000000", fills: [] });
    const price = "10000.0";
    const resting = order.parse((await bot.signed("POST", "/api/v3/order", limit(price))).body);
    expect(await bot.signed("DELETE", "/api/v3/order", { symbol, orderId: resting.orderId })).toMatchObject({
      body: { status: "PENDING_CANCEL" },
    });
    await cluster.http.control(id, "resume");
    await cluster.until(async () => {
      const { body } = await bot.signed("GET", "/api/v3/order", { symbol, orderId: waiting.orderId });
      return order.parse(body).status === "FILLED";
    }, "the order to be filled");
    await cluster.http.delete(id);
  });
});
