// `@binance/spot`, the exchange's own: requests, and orders and the user data stream over its WebSocket API.
import { LocalBook } from "./local-book.mjs";
import { installed, task, wsOf } from "./task.mjs";
import { carryOut, Told, tradeForm } from "./trading.mjs";

const { spot, apiKey, secret, symbol, amount, seconds } = task();
const { Spot } = installed("@binance/spot");
const client = new Spot({
  configurationRestAPI: { apiKey, apiSecret: secret, basePath: spot, timeout: 10_000 },
  configurationWebsocketAPI: {
    timeout: 10_000,
    apiKey,
    apiSecret: secret,
    wsURL: `${wsOf(spot)}/ws-api/v3`,
    reconnectDelay: 500,
  },
  configurationWebsocketStreams: { wsURL: wsOf(spot), reconnectDelay: 500 },
});
const data = async (answer) => (await answer).data();

const told = new Told();
const connection = await client.websocketAPI.connect();
const hearAccount = (event) => event.e === "executionReport" && told.hear(event);
/** Until it is subscribed: a request on a connection that closes is never answered. */
const subscribe = async () => {
  try {
    (await connection.userDataStreamSubscribeSignature()).stream.on("message", hearAccount);
  } catch (error) {
    if (seconds === undefined) throw error;
    if (error.code === -2035) return; // by the connection's next one
    console.error(error);
    if (connection.isConnected()) await subscribe();
  }
};
// It connects again by itself, and leaves the subscription to its user.
connection.on("open", () => {
  told.reconnects++;
  subscribe();
});
await subscribe();

const book = new LocalBook(true, () => data(client.restAPI.depth({ symbol, limit: 5000 })));
const streams = await client.websocketStreams.connect();
streams.diffBookDepth({ symbol, updateSpeed: "100ms" }).on("message", (update) => book.hear(update));

let count = 0;
await carryOut(
  {
    prices: async () => {
      const { bids, asks } = await data(client.restAPI.depth({ symbol, limit: 5 }));
      return { bid: bids[0][0], ask: asks[0][0] };
    },
    market: async (side) => {
      const market = { symbol, side, type: "MARKET", quantity: Number(amount) };
      // One by each way in turn.
      if (count++ % 2 === 0 || !connection.isConnected()) return (await data(client.restAPI.newOrder(market))).status;
      return (await connection.orderPlace({ ...market, newOrderRespType: "RESULT" })).data.status;
    },
    rest: async (side, price) => {
      const limit = { symbol, side, type: "LIMIT", timeInForce: "GTC", quantity: Number(amount), price: Number(price) };
      const { orderId } = await data(client.restAPI.newOrder(limit));
      return (await data(client.restAPI.deleteOrder({ symbol, orderId }))).status;
    },
    list: async (above, below) => {
      const { orderListId } = await data(
        client.restAPI.orderListOco({
          ...{ symbol, side: "SELL", quantity: Number(amount), aboveType: "LIMIT_MAKER", abovePrice: Number(above) },
          ...{ belowType: "STOP_LOSS", belowStopPrice: Number(below) },
        }),
      );
      if (!connection.isConnected())
        return (await data(client.restAPI.deleteOrderList({ symbol, orderListId }))).listOrderStatus;
      return (await connection.orderListCancel({ symbol, orderListId })).data.listOrderStatus;
    },
    trades: async () => (await data(client.restAPI.myTrades({ symbol, limit: 1000 }))).map(tradeForm),
    open: async () => (await data(client.restAPI.getOpenOrders({ symbol }))).length,
    book: () => book.best,
  },
  told,
);
