// Reads a market through tardis-dev, which makes normalized messages of the exchange's own, and prints what it has as JSON.
// Arguments: the folder of tardis-dev, the address of the API, the exchange, the symbol, the first minute, the minute after the last, and a folder for files.
import { createRequire } from "node:module";

const [modules, endpoint, exchange, symbol, from, to, cacheDir] = process.argv.slice(2);
const { init, replayNormalized, normalizeTrades, normalizeBookChanges, OrderBook } =
  createRequire(modules)("tardis-dev");

init({ endpoint, cacheDir, apiKey: "none" });
const messages = replayNormalized({ exchange, symbols: [symbol], from, to }, normalizeTrades, normalizeBookChanges);
const book = new OrderBook();
const seen = { trades: 0, firstId: "", lastId: "", volume: 0, changes: 0, crossed: 0 };
for await (const message of messages) {
  if (message.type === "trade") {
    seen.trades++;
    seen.firstId ||= message.id;
    seen.lastId = message.id;
    seen.volume += message.amount;
  } else {
    seen.changes++;
    book.update(message);
    const [bid, ask] = [book.bestBid(), book.bestAsk()];
    if (bid && ask && bid.price >= ask.price) seen.crossed++;
  }
}
const levels = (side) => [...side].map(({ price, amount }) => [price, amount]);
console.log(JSON.stringify({ ...seen, bids: levels(book.bids()), asks: levels(book.asks()) }));
