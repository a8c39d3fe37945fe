import { describe, expect } from "vitest";
import { z } from "zod";
import { testOnCluster } from "../support/cluster.js";
import { recordedFiles } from "../support/tapes.js";
import { venueBot } from "../support/venue-bot.js";

const test = testOnCluster(() => ({ venues: 1, gateways: 1, apis: 1, tickers: 1 }));

const noRecording = recordedFiles("usdm").length === 0;
if (noRecording) console.warn("SKIPPED: types of orders at the venue on a recording, which is not there.");

const symbol = "BTCUSDT";
const order = z.looseObject({ orderId: z.int(), status: z.string() });
const price = z.looseObject({ price: z.string() });

describe.skipIf(noRecording)("on a recording", () => {
  test("[VK13] a market order by its cost spends and brings no more than that", async ({ cluster }) => {
    const { session_id: id } = await cluster.http.create({ tape: "usdm" });
    await cluster.http.control(id, "start");
    const bot = await venueBot(cluster, id, "spot");
    const filled = z.looseObject({
      status: z.literal("FILLED"),
      origQty: z.string(),
      executedQty: z.string(),
      origQuoteOrderQty: z.string(),
      cummulativeQuoteQty: z.string(),
    });
    for (const side of ["BUY", "SELL"]) {
      const fields = { symbol, side, type: "MARKET", quoteOrderQty: "1000.5" };
      const answer = filled.parse((await bot.signed("POST", "/api/v3/order", fields)).body);
      expect(answer.origQuoteOrderQty).toBe("1000.50000000");
      expect(answer.origQty).toBe(answer.executedQty);
      expect(Number(answer.cummulativeQuoteQty)).toBeLessThanOrEqual(1000.5);
      // A lot, 0.001, costs less than a hundred.
      expect(Number(answer.cummulativeQuoteQty)).toBeGreaterThan(900);
    }
    const open = await bot.signed("GET", "/api/v3/openOrders", { symbol });
    expect(open.body).toEqual([]);
    await cluster.http.delete(id);
  });

  test("[VK10] take-profit orders wait for a better price, and are filled at it", async ({ cluster }) => {
    const { session_id: id } = await cluster.http.create({ tape: "usdm" });
    await cluster.http.control(id, "start");
    await cluster.http.control(id, "seek", { seq: 300 }); // there has been a trade by then
    const bot = await venueBot(cluster, id, "spot");
    // The first order begins the account's market, a minute before which trades are known.
    await bot.signed("POST", "/api/v3/order", { symbol, side: "BUY", type: "MARKET", quantity: "0.010" });
    const { price: text } = price.parse((await bot.signed("GET", "/api/v3/ticker/price", { symbol })).body);
    const at = (distance: number) => (Number(text) + distance).toFixed(1);
    const takeProfit = (side: "BUY" | "SELL", stopPrice: string) =>
      bot.signed("POST", "/api/v3/order", {
        ...{ symbol, side, type: "TAKE_PROFIT", quantity: "0.010", stopPrice, newOrderRespType: "RESULT" },
      });
    expect(await takeProfit("SELL", at(-500))).toMatchObject({
      body: { code: -2010, msg: "Order would trigger immediately." },
    });
    expect(await takeProfit("BUY", at(500))).toMatchObject({ body: { code: -2010 } });
    const sent = await Promise.all([takeProfit("SELL", at(2)), takeProfit("BUY", at(-2))]);
    const ids = sent.map(({ body }) => order.parse(body).orderId);
    expect(sent[0]?.body).toMatchObject({ type: "TAKE_PROFIT", status: "NEW", stopPrice: `${at(2)}0000000` });
    await cluster.http.control(id, "speed/20");
    const stateOf = async (orderId = 0) =>
      order.parse((await bot.signed("GET", "/api/v3/order", { symbol, orderId })).body).status;
    await cluster.until(
      async () => (await Promise.all(ids.map(stateOf))).includes("FILLED"),
      "one of the take-profit orders to be filled",
    );
    await cluster.http.delete(id);
  });

  test("[VK14] futures orders close the position, as orders and as algo orders", async ({ cluster }) => {
    const { session_id: id } = await cluster.http.create({ tape: "usdm" });
    await cluster.http.control(id, "start");
    const bot = await venueBot(cluster, id, "usdm");
    await bot.signed("POST", "/fapi/v1/order", { symbol, side: "BUY", type: "MARKET", quantity: "0.020" });
    const { price: text } = price.parse((await bot.signed("GET", "/fapi/v1/ticker/price", { symbol })).body);
    const at = (distance: number) => (Number(text) + distance).toFixed(1);
    const closing = { symbol, side: "SELL", closePosition: true };
    const stop = await bot.signed("POST", "/fapi/v1/order", {
      ...{ ...closing, type: "STOP_MARKET", stopPrice: at(-2), workingType: "MARK_PRICE", priceProtect: true },
    });
    expect(stop).toMatchObject({ body: { status: "NEW", type: "STOP_MARKET", closePosition: true, origQty: "0" } });
    const algo = await bot.signed("POST", "/fapi/v1/algoOrder", {
      ...{ ...closing, type: "TAKE_PROFIT_MARKET", algoType: "CONDITIONAL", triggerPrice: at(2) },
    });
    expect(algo).toMatchObject({
      body: { algoStatus: "NEW", orderType: "TAKE_PROFIT_MARKET", closePosition: true, quantity: "0" },
    });
    await cluster.http.control(id, "speed/20");
    await cluster.until(async () => {
      const { body } = await bot.signed("GET", "/fapi/v3/positionRisk");
      return Array.isArray(body) && body.length === 0;
    }, "the position to be closed");
    const trades = z.array(z.looseObject({ side: z.string(), qty: z.string() }));
    const { body } = await bot.signed("GET", "/fapi/v1/userTrades", { symbol });
    const sold = trades.parse(body).filter(({ side }) => side === "SELL");
    expect(sold.reduce((sum, { qty }) => sum + Number(qty), 0)).toBeCloseTo(0.02);
    await cluster.http.delete(id);
  });
});
