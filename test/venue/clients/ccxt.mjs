// ccxt and ccxt.pro: the book, orders and trades of one market, by requests and by streams.
import { installed, task, until, wsOf } from "./task.mjs";
import { carryOut, Told, tradeForm } from "./trading.mjs";

const { spot, usdm, apiKey, secret, market, symbol, amount, seconds } = task();
const ccxt = installed("ccxt");
const exchange = new (market === "spot" ? ccxt.pro.binance : ccxt.pro.binanceusdm)({ apiKey, secret });
exchange.urls.api = addressed(exchange.urls.api);
// ccxt takes messages for spot's if they come from an address with /stream in it, such as //stream.binance.com.
exchange.urls.api.ws.spot = `${wsOf(spot)}/stream`;

/** The same paths at the session's venue. */
function addressed(urls) {
  if (typeof urls !== "string")
    return Object.fromEntries(Object.entries(urls).map(([name, value]) => [name, addressed(value)]));
  const { hostname, pathname, protocol } = new URL(urls);
  const base = /^f|ws-fapi/.test(hostname) ? usdm : spot;
  return (protocol.startsWith("ws") ? wsOf(base) : base) + pathname;
}

// What ccxt needs for addresses that begin with ws: rather than wss:.
await exchange.loadHttpProxyAgent();
await exchange.loadMarkets();
const name = Object.values(exchange.markets).find((each) => each.id === symbol)?.symbol;
const told = new Told();
const states = new Map();
follow("watchOrderBook", () => {});
follow("watchMyTrades", (trades) => {
  for (const { info } of trades) told.hear(info);
});
follow("watchOrders", (orders) => {
  for (const { id, status } of orders) states.set(id, status);
});

/** Tells what a stream brings until the program ends. Its users watch again if a venue that begins anew has closed the socket. */
async function follow(method, take) {
  for (;;) {
    try {
      take(await exchange[method](name));
    } catch (error) {
      if (seconds === undefined || !(error instanceof ccxt.NetworkError || error instanceof ccxt.ChecksumError))
        throw error;
      if (method === "watchMyTrades") told.reconnects++;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

await until(() => exchange.orderbooks[name]?.bids.length > 0, "book");

/** What became of an order, in Binance's words. */
async function statusOf({ id }) {
  const { info } = await exchange.fetchOrder(id, name);
  return info.status;
}

let last;
await carryOut(
  {
    prices: async () => {
      const { bids, asks } = await exchange.fetchOrderBook(name, 5);
      return { bid: bids[0][0], ask: asks[0][0] };
    },
    market: async (side) => {
      last = await exchange.createOrder(name, "market", side.toLowerCase(), Number(amount));
      return statusOf(last);
    },
    rest: async (side, price) => {
      last = await exchange.createOrder(name, "limit", side.toLowerCase(), Number(amount), Number(price));
      await exchange.cancelOrder(last.id, name);
      return statusOf(last);
    },
    ...(market === "spot" && {
      list: async (price, stopPrice) => {
        const oco = await exchange.privatePostOrderOco({ symbol, side: "SELL", quantity: amount, price, stopPrice });
        const name = { symbol, orderListId: oco.orderListId };
        return (await exchange.privateDeleteOrderList(name)).listOrderStatus;
      },
    }),
    trades: async () => (await exchange.fetchMyTrades(name, undefined, 1000)).map(({ info }) => tradeForm(info)),
    open: async () => (await exchange.fetchOpenOrders(name)).length,
    book: () => {
      const { bids, asks } = exchange.orderbooks[name] ?? { bids: [], asks: [] };
      return { bids: bids.slice(0, 20).map(([...level]) => level), asks: asks.slice(0, 20).map(([...level]) => level) };
    },
    check: async () => {
      if (!states.has(last.id)) throw new Error(`the user stream has not told of order ${last.id}`);
      const refused = await exchange.createOrder(name, "market", "buy", 5e6).catch(({ message }) => message);
      if (!/insufficient/.test(refused)) throw new Error(`an order beyond the balance is answered ${refused}`);
      await exchange.fetchBalance();
    },
  },
  told,
);
