import { fillsAnswer, orderAnswer, ordersAnswer, tradingAnswer } from "@tapedeck/protocol";
import { afterAll, beforeAll, expect } from "vitest";
import { testOnCluster } from "../support/cluster.js";
import { FakeBitmex } from "../support/exchange/bitmex.js";

const exchange = new FakeBitmex();
beforeAll(async () => {
  await exchange.open();
  exchange.market("XBTUSD").run();
});
afterAll(() => exchange.close());

const test = testOnCluster(() => ({
  gateways: 2,
  apis: 2,
  tickers: 1,
  feeds: 1,
  env: { all: { LIVE_LINGER_S: "20" }, feed: { BITMEX_URL: exchange.url } },
}));

test("[TR50] orders at the live edge fill by what the market does next, are told on every gateway, and are undone by a rewind", {
  timeout: 180_000,
}, async ({ cluster }) => {
  const { session_id: id } = await cluster.http.create({ mode: "LIVE", source: "BITMEX", symbol: "XBTUSD" });
  const viewers = await Promise.all(cluster.gateways.map(() => cluster.watch(id)));
  await Promise.all(viewers.map((viewer) => viewer.next(20, 40_000)));
  const { instrument } = tradingAnswer.parse((await cluster.http.get(`/sessions/${id}/trading`)).body);
  for (let nth = 0; nth < 10; nth++) {
    const body = { side: nth % 2 === 0 ? "buy" : "sell", type: "MARKET", amount: instrument?.lot };
    const answer = await cluster.http.call("POST", `/sessions/${id}/orders`, body);
    orderAnswer.parse(answer.body);
    await viewers[0]?.next(3, 20_000);
  }
  const fillsOf = (viewer: (typeof viewers)[number]) =>
    viewer.messagesOf("trade_event").flatMap(({ data }) => ("fill_id" in data ? [data] : []));
  for (const viewer of viewers) await viewer.until(() => fillsOf(viewer).length >= 10, "all fills", 30_000);
  await cluster.http.control(id, "pause");
  const { fills } = fillsAnswer.parse((await cluster.http.get(`/sessions/${id}/fills`)).body);
  expect(fills).toHaveLength(10);
  for (const viewer of viewers) expect(fillsOf(viewer)).toEqual(fills);
  await cluster.http.control(id, "goback/600", { seconds: 600 });
  const { orders } = ordersAnswer.parse((await cluster.http.get(`/sessions/${id}/orders`)).body);
  expect(orders).toEqual([]);
  await cluster.end({ id, viewers });
});
