// ccxt and ccxt.pro: the book, orders and trades of one market, by requests and by streams.
import { installed, report, task, until, wsOf } from "./task.mjs";

const { spot, usdm, apiKey, secret, market, symbol, orders, amount } = task();
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
const book = await exchange.watchOrderBook(name);
const told = new Map();
follow("watchMyTrades", (trade) => told.set(trade.id, trade));
const states = new Map();
follow("watchOrders", (order) => states.set(order.id, order.status));

/** Tells what a stream brings until the program ends. */
async function follow(method, take) {
  for (;;) for (const each of await exchange[method](name)) take(each);
}

const placed = [];
for (let count = 0; count < orders; count++) {
  const side = count % 2 === 0 ? "buy" : "sell";
  const isLimit = count % 3 === 2;
  const away = side === "buy" ? book.bids[0][0] * 0.9 : book.asks[0][0] * 1.1;
  const order = isLimit
    ? await exchange.createOrder(name, "limit", side, amount, Number(exchange.priceToPrecision(name, away)))
    : await exchange.createOrder(name, "market", side, amount);
  placed.push({ id: order.id, isLimit });
  if (isLimit) await exchange.cancelOrder(order.id, name);
}
for (const { id, isLimit } of placed) {
  const { status } = await exchange.fetchOrder(id, name);
  if (status !== (isLimit ? "canceled" : "closed")) throw new Error(`order ${id} is ${status}`);
}
const trades = await exchange.fetchMyTrades(name, undefined, 1000);
await until(() => told.size >= trades.length && states.size >= placed.length, "the user stream");
const refused = await exchange.createOrder(name, "market", "buy", 5e6).then(
  () => "accepted",
  (error) => error.message,
);
if (!/insufficient/.test(refused)) throw new Error(`an order beyond the balance is answered ${refused}`);
report({
  trades: trades.map(({ info }) => ({
    ...{ id: `${info.id}`, order: `${info.orderId}`, price: info.price, amount: info.qty, fee: info.commission },
    side: (info.isBuyer ?? info.buyer) ? "buy" : "sell",
  })),
  told: [...told.keys()].sort((a, b) => a - b),
  open: (await exchange.fetchOpenOrders(name)).length,
  balance: (await exchange.fetchBalance()).total,
});
