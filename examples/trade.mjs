// Buys at market on the tape that a session plays, and leaves the position by a take profit or a stop, of which one ends the other.
//   node examples/trade.mjs [address of the cluster]
import { tapedeck } from "@tapedeck/client";
import WebSocket from "ws"; // Node 22 and later have their own

const [, , url = "http://localhost:8000"] = process.argv;

const session = await tapedeck({ url, WebSocket }).open({ speed: 20 });
const { trading } = session;
await trading.configure({ account: { kind: "spot", base: "0", quote: "100000" } });
const { instrument } = await trading.settings();
const price = (value) => value.toFixed(instrument.price_decimals);

session.onOrder(({ order_id, type, status, reason }) =>
  console.log(`order ${order_id} ${type} ${status} ${reason ?? ""}`),
);
const flat = new Promise((resolve) => {
  session.onFill(({ side, amount, price, fee, position }) => {
    console.log(`${side} ${amount} at ${price}, fee ${fee}`);
    if (Number(position) === 0) resolve();
  });
});

await session.start();
const { average_price: bought, filled: amount } = await trading.place({ side: "buy", type: "MARKET", amount: "0.01" });
await trading.placeList({
  others: [
    { side: "sell", type: "LIMIT", amount, price: price(bought * 1.0001) },
    { side: "sell", type: "STOP", amount, stopPrice: price(bought * 0.9999) },
  ],
});
await flat;

const { account } = await trading.account();
console.log(`equity ${account.equity}`);
session.close();
