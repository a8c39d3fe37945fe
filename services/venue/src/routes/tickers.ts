import { type DayStatistics, dayStatistics } from "../candles/day-statistics.js";
import type { Venue } from "../context.js";
import type { VenueRequest } from "../http/request.js";
import type { Route } from "../http/route.js";
import type { Market } from "../http/target.js";
import type { PlayedEpoch } from "../player/played-epoch.js";
import { written, writtenLevels } from "../player/written-decimals.js";
import { lastPriceOf } from "./market-data.js";
import { checkSymbol, marketOf, type RequestedMarket } from "./symbol.js";

/** What a ticker says of a market. */
type Describe = (market: RequestedMarket, request: VenueRequest) => object | Promise<object>;

const price: Describe = ({ epoch }, { market }) => ({
  symbol: epoch.symbol.symbol,
  price: lastPriceOf(epoch, market),
  ...(market === "usdm" && { time: epoch.time }),
});

const bookTicker: Describe = ({ epoch }, { market }) => ({
  symbol: epoch.symbol.symbol,
  ...bestOf(epoch, market),
  ...(market === "usdm" && { time: epoch.time, lastUpdateId: epoch.lastUpdateId }),
});

const day: Describe = async ({ player, epoch }, { market }) => {
  const statistics = dayStatistics(epoch, await player.historyOf(epoch), market);
  return {
    ...{ symbol: epoch.symbol.symbol, priceChange: statistics.change, priceChangePercent: statistics.changePercent },
    weightedAvgPrice: statistics.average,
    ...(market === "spot" && { prevClosePrice: statistics.open }),
    ...{ lastPrice: statistics.close, lastQty: written[market](epoch.lastTrade?.quantity ?? "0") },
    ...(market === "spot" && bestOf(epoch, market)),
    ...sumsOf(statistics),
  };
};

/** A client that names no symbol gets a list of all, of which there is one. */
export const tickerRoutes: readonly Route[] = [
  ...tickers(["/api/v3/ticker/price", "/fapi/v1/ticker/price", "/fapi/v2/ticker/price"], 2, price),
  ...tickers(["/api/v3/ticker/bookTicker", "/fapi/v1/ticker/bookTicker"], 2, bookTicker),
  ...tickers(["/api/v3/ticker/24hr", "/fapi/v1/ticker/24hr"], 2, day),
];

function tickers(paths: readonly string[], weight: number, describe: Describe): readonly Route[] {
  const handle = async (request: VenueRequest, venue: Venue) => {
    const market = await marketOf(request, venue);
    const symbol = request.parameters.text("symbol");
    if (symbol === undefined) return [await describe(market, request)];
    checkSymbol(symbol, market.epoch);
    return describe(market, request);
  };
  return paths.map((path) => ({ method: "GET", path, weight, handle }));
}

function bestOf({ book }: PlayedEpoch, market: Market) {
  const { bids, asks } = writtenLevels(market, book.top(1));
  const [[bidPrice = "0", bidQty = "0"] = []] = bids;
  const [[askPrice = "0", askQty = "0"] = []] = asks;
  return { bidPrice, bidQty, askPrice, askQty };
}

function sumsOf({ open, high, low, volume, quoteVolume, openTime, closeTime, firstId, lastId, trades }: DayStatistics) {
  const prices = { openPrice: open, highPrice: high, lowPrice: low, volume, quoteVolume };
  return { ...prices, openTime, closeTime, firstId, lastId, count: trades };
}
