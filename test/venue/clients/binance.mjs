// `binance` of npm (tiagosiebler): orders by requests, trades by its user data stream.
import { installed, report, task, until, wsOf } from "./task.mjs";

const { spot, usdm, apiKey, secret, market, symbol, orders, amount } = task();
const { MainClient, USDMClient, WebsocketClient } = installed("binance");
const isSpot = market === "spot";
const baseUrl = isSpot ? spot : usdm;
const keys = { api_key: apiKey, api_secret: secret };
const client = new (isSpot ? MainClient : USDMClient)({ ...keys, baseUrl });

const told = new Set();
const sockets = new WebsocketClient({ ...keys, wsUrl: wsOf(baseUrl), restOptions: { baseUrl } });
let isOpen = false;
sockets.on("open", () => {
  isOpen = true;
});
sockets.on("exception", (error) => {
  throw error.error ?? new Error(JSON.stringify(error));
});
sockets.on("message", (event) => {
  const { t, x } = event.e === "ORDER_TRADE_UPDATE" ? event.o : event;
  if (x === "TRADE") told.add(`${t}`);
});
await (isSpot ? sockets.subscribeSpotUserDataStream() : sockets.subscribeUsdFuturesUserDataStream());
await until(() => isOpen, "user stream");

const { bids, asks } = await client.getOrderBook({ symbol, limit: 5 });
const { symbols } = await client.getExchangeInfo();
if (symbols[0]?.symbol !== symbol) throw new Error(`the exchange lists ${symbols[0]?.symbol}`);
for (let count = 0; count < orders; count++) {
  const side = count % 2 === 0 ? "BUY" : "SELL";
  if (count % 3 !== 2) {
    const { status } = await client.submitNewOrder({
      symbol,
      side,
      type: "MARKET",
      quantity: amount,
      newOrderRespType: "RESULT",
    });
    if (status !== "FILLED") throw new Error(`a market order is ${status}`);
    continue;
  }
  const price = (side === "BUY" ? Number(bids[0][0]) * 0.9 : Number(asks[0][0]) * 1.1).toFixed(1);
  const limit = {
    symbol,
    side,
    type: "LIMIT",
    timeInForce: "GTC",
    quantity: amount,
    price,
    newOrderRespType: "RESULT",
  };
  const { orderId } = await client.submitNewOrder(limit);
  const { status } = await client.cancelOrder({ symbol, orderId });
  if (status !== "CANCELED") throw new Error(`a canceled order is ${status}`);
}
const trades = isSpot
  ? await client.getAccountTradeList({ symbol, limit: 1000 })
  : await client.getAccountTrades({ symbol, limit: 1000 });
await until(() => told.size >= trades.length, "trades of the user stream");
const open = isSpot ? await client.getOpenOrders({ symbol }) : await client.getAllOpenOrders({ symbol });
report({
  trades: trades.map(({ id, orderId, price, qty, commission, isBuyer, buyer }) => ({
    ...{ id: `${id}`, order: `${orderId}`, price: `${price}`, amount: `${qty}`, fee: `${commission}` },
    side: (isBuyer ?? buyer) ? "buy" : "sell",
  })),
  told: [...told].sort((a, b) => a - b),
  open: open.length,
});
