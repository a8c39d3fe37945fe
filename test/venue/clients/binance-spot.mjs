// `@binance/spot`, the exchange's own: requests, and orders and the user data stream over its WebSocket API.
import { installed, report, task, until, wsOf } from "./task.mjs";

const { spot, apiKey, secret, symbol, orders, amount } = task();
const { Spot } = installed("@binance/spot");
const client = new Spot({
  configurationRestAPI: { apiKey, apiSecret: secret, basePath: spot },
  configurationWebsocketAPI: { apiKey, apiSecret: secret, wsURL: `${wsOf(spot)}/ws-api/v3` },
});

const connection = await client.websocketAPI.connect();
const { stream } = await connection.userDataStreamSubscribeSignature();
const told = new Set();
stream.on("message", (event) => {
  if (event.e === "executionReport" && event.x === "TRADE") told.add(`${event.t}`);
});

const data = async (answer) => (await answer).data();
const { bids, asks } = await data(client.restAPI.depth({ symbol, limit: 5 }));
for (let count = 0; count < orders; count++) {
  const side = count % 2 === 0 ? "BUY" : "SELL";
  if (count % 3 !== 2) {
    const market = { symbol, side, type: "MARKET", quantity: Number(amount) };
    // One by each way in turn.
    const status =
      count % 2 === 0
        ? (await data(client.restAPI.newOrder(market))).status
        : (await connection.orderPlace({ ...market, newOrderRespType: "RESULT" })).data.status;
    if (status !== "FILLED") throw new Error(`a market order is ${status}`);
    continue;
  }
  const price = Number((side === "BUY" ? Number(bids[0][0]) * 0.9 : Number(asks[0][0]) * 1.1).toFixed(1));
  const limit = { symbol, side, type: "LIMIT", timeInForce: "GTC", quantity: Number(amount), price };
  const { orderId } = await data(client.restAPI.newOrder(limit));
  const { status } = await data(client.restAPI.deleteOrder({ symbol, orderId }));
  if (status !== "CANCELED") throw new Error(`a canceled order is ${status}`);
}
const trades = await data(client.restAPI.myTrades({ symbol, limit: 1000 }));
await until(() => told.size >= trades.length, "trades of the user stream");
report({
  trades: trades.map(({ id, orderId, price, qty, commission, isBuyer }) => ({
    ...{ id: `${id}`, order: `${orderId}`, price, amount: qty, fee: commission },
    side: isBuyer ? "buy" : "sell",
  })),
  told: [...told].sort((a, b) => a - b),
  open: (await data(client.restAPI.getOpenOrders({ symbol }))).length,
});
