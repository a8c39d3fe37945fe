import { expect, test } from "vitest";
import { addTrade, joinCandles, newCandle } from "./candle.js";
import { candleTexts } from "./candle-texts.js";
import { boundsOf } from "./intervals.js";

const minuteMs = 60_000;

test("[VN34] candles begin where Binance's do: weeks on Mondays, months on their first day", () => {
  const time = Date.UTC(2026, 10, 30, 19, 7, 31);
  expect(boundsOf("3m", time)).toEqual({ open: Date.UTC(2026, 10, 30, 19, 6), end: Date.UTC(2026, 10, 30, 19, 9) });
  expect(boundsOf("1w", time).open).toBe(Date.UTC(2026, 10, 30));
  expect(boundsOf("1w", time - 86_400_000).open).toBe(Date.UTC(2026, 10, 23));
  expect(boundsOf("1M", time)).toEqual({ open: Date.UTC(2026, 10, 1), end: Date.UTC(2026, 11, 1) });
});

test("[VN42] candles of minutes join to the candle of all their trades", () => {
  const trades = [
    { id: 1, priceUnits: 1_000, quantityUnits: 3, buyerIsMaker: false },
    { id: 2, priceUnits: 1_010, quantityUnits: 1, buyerIsMaker: true },
    { id: 3, priceUnits: 990, quantityUnits: 2, buyerIsMaker: false },
  ];
  const candleOf = (openTime: number, some: typeof trades) => {
    const [first] = some;
    if (first === undefined) throw new Error("a candle has trades");
    const candle = newCandle(openTime, first);
    for (const trade of some) addTrade(candle, trade);
    return candle;
  };
  const minutes = [candleOf(0, trades.slice(0, 1)), candleOf(minuteMs, trades.slice(1))];
  expect(joinCandles(0, minutes)).toEqual(candleOf(0, trades));
  expect(candleTexts(candleOf(0, trades), { price: 2, size: 1 }, "usdm")).toEqual({
    ...{ open: "10.00", high: "10.10", low: "9.90", close: "9.90" },
    ...{
      volume: "0.6",
      quoteVolume: "5.990",
      takerBuyVolume: "0.5",
      takerBuyQuoteVolume: "4.980",
      average: "9.983333",
    },
  });
});
