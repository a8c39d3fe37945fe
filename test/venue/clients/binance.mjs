// `binance` of npm (tiagosiebler): orders by requests, trades by its user data stream.
import { LocalBook } from "./local-book.mjs";
import { installed, task, until, wsOf } from "./task.mjs";
import { carryOut, Told, tradeForm } from "./trading.mjs";

const { spot, usdm, apiKey, secret, market, symbol, amount, seconds } = task();
const { MainClient, USDMClient, WebsocketClient } = installed("binance");
const isSpot = market === "spot";
const baseUrl = isSpot ? spot : usdm;
const keys = { api_key: apiKey, api_secret: secret };
const client = new (isSpot ? MainClient : USDMClient)({ ...keys, baseUrl });

const told = new Told();
const book = new LocalBook(isSpot, () => client.getOrderBook({ symbol, limit: isSpot ? 5000 : 1000 }));
const sockets = new WebsocketClient({ ...keys, wsUrl: wsOf(baseUrl), restOptions: { baseUrl } });
let isOpen = false;
sockets.on("open", () => {
  isOpen = true;
});
sockets.on("reconnecting", () => {
  told.reconnects++;
});
sockets.on("exception", (error) => {
  if (seconds === undefined) throw error.error ?? new Error(JSON.stringify(error));
  console.error(error); // it goes on
});
sockets.on("message", (event) => {
  if (event.e === "depthUpdate") book.hear(event);
  else told.hear(event.e === "ORDER_TRADE_UPDATE" ? event.o : event);
});
await (isSpot ? sockets.subscribeSpotUserDataStream() : sockets.subscribeUsdFuturesUserDataStream());
await until(() => isOpen, "user stream");
await sockets.subscribeDiffBookDepth(symbol, 100, isSpot ? "spot" : "usdm");

const { symbols } = await client.getExchangeInfo();
if (symbols[0]?.symbol !== symbol) throw new Error(`the exchange lists ${symbols[0]?.symbol}`);
const order = { symbol, quantity: amount, newOrderRespType: "RESULT" };
await carryOut(
  {
    prices: async () => {
      const { bids, asks } = await client.getOrderBook({ symbol, limit: 5 });
      return { bid: bids[0][0], ask: asks[0][0] };
    },
    market: async (side) => (await client.submitNewOrder({ ...order, side, type: "MARKET" })).status,
    rest: async (side, price) => {
      const limit = { ...order, side, type: "LIMIT", timeInForce: "GTC", price };
      const { orderId } = await client.submitNewOrder(limit);
      return (await client.cancelOrder({ symbol, orderId })).status;
    },
    ...(isSpot && {
      list: async (above, below) => {
        const sell = { symbol, side: "SELL", quantity: amount };
        const old = await client.submitNewOCO({ ...sell, price: above, stopPrice: below });
        await client.cancelOCO({ symbol, orderListId: old.orderListId });
        const stop = {
          belowType: "STOP_LOSS_LIMIT",
          belowStopPrice: below,
          belowPrice: below,
          belowTimeInForce: "GTC",
        };
        const { orderListId } = await client.submitNewOrderList({
          ...{ ...sell, ...stop, aboveType: "LIMIT_MAKER", abovePrice: above },
        });
        return (await client.cancelOCO({ symbol, orderListId })).listOrderStatus;
      },
    }),
    trades: async () => {
      const query = { symbol, limit: 1000 };
      return (await (isSpot ? client.getAccountTradeList(query) : client.getAccountTrades(query))).map(tradeForm);
    },
    open: async () => (await (isSpot ? client.getOpenOrders({ symbol }) : client.getAllOpenOrders({ symbol }))).length,
    book: () => book.best,
  },
  told,
);
