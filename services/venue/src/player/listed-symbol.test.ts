import { expect, test } from "vitest";
import { listedSymbol } from "./listed-symbol.js";

const decimals = { price: 2, size: 0 };
const listed = (symbol: string) => listedSymbol({ symbol, source: "" }, decimals);

test.each([
  ["BTCUSDT", "BTCUSDT", "BTC", "USDT"],
  ["BTC-USD", "BTCUSD", "BTC", "USD"],
  ["eth/btc", "ETHBTC", "ETH", "BTC"],
  ["BTCFDUSD", "BTCFDUSD", "BTC", "FDUSD"],
  ["AAPL", "AAPL", "AAPL", "USD"],
])("[VN40] %s is listed as %s: %s for %s", (symbol, name, base, quote) => {
  expect(listed(symbol)).toMatchObject({ symbol: name, base, quote, tick: "0.01", lot: "1" });
});
