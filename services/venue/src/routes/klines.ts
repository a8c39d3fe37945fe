import { type Candle, emptyCandle } from "../candles/candle.js";
import { candleTexts } from "../candles/candle-texts.js";
import { boundsOf, type Interval, intervalOf } from "../candles/intervals.js";
import { inBothMarkets, type Route } from "../http/route.js";
import type { Market } from "../http/target.js";
import type { PlayedEpoch } from "../player/played-epoch.js";
import { symbolMarketOf } from "./symbol.js";

/** Candles of what was traded up to the playhead. */
export const klineRoutes: readonly Route[] = ["/klines", "/uiKlines"].flatMap((path) =>
  inBothMarkets(path, {
    weight: 2,
    async handle(request, venue) {
      const { parameters } = request;
      const interval = intervalOf(parameters.required("interval"));
      const limit = parameters.limit({ most: request.market === "spot" ? 1_000 : 1_500, usual: 500 });
      const from = parameters.integer("startTime");
      const to = parameters.integer("endTime") ?? Number.POSITIVE_INFINITY;
      const { player, epoch } = await symbolMarketOf(request, venue);
      const traded = (await player.historyOf(epoch)).candles(interval);
      const all = withEmptyOnes(traded, interval, epoch.time).filter(
        ({ openTime }) => openTime >= (from ?? 0) && openTime <= to,
      );
      const chosen = from === undefined ? all.slice(-limit) : all.slice(0, limit);
      return chosen.map((candle) => rowOf(candle, interval, epoch, request.market));
    },
  }),
);

/** From the first trade on each interval has a candle. */
function withEmptyOnes(traded: readonly Candle[], interval: Interval, time: number): readonly Candle[] {
  const all: Candle[] = [];
  const fill = (until: number): void => {
    for (let last = all.at(-1); last !== undefined; last = all.at(-1)) {
      const { end } = boundsOf(interval, last.openTime);
      if (end >= until) return;
      all.push(emptyCandle(end, last.close));
    }
  };
  for (const candle of traded) {
    fill(candle.openTime);
    all.push(candle);
  }
  fill(time + 1);
  return all;
}

function rowOf(candle: Candle, interval: Interval, { book }: PlayedEpoch, market: Market) {
  const { open, high, low, close, volume, quoteVolume, takerBuyVolume, takerBuyQuoteVolume } = candleTexts(
    candle,
    book.decimals,
    market,
  );
  const closeTime = boundsOf(interval, candle.openTime).end - 1;
  const prices = [candle.openTime, open, high, low, close, volume, closeTime, quoteVolume] as const;
  return [...prices, candle.trades, takerBuyVolume, takerBuyQuoteVolume, "0"];
}
