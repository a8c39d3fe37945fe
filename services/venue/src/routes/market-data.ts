import { BinanceError } from "../http/binance-error.js";
import { inBothMarkets, type Route } from "../http/route.js";
import type { Market } from "../http/target.js";
import type { VenueTrade } from "../player/market-events.js";
import type { PlayedEpoch } from "../player/played-epoch.js";
import type { LevelChanges } from "../player/venue-book.js";
import { written, writtenLevels } from "../player/written-decimals.js";
import { symbolMarketOf } from "./symbol.js";

/** Futures take these numbers of levels only, spot any. The largest of each market gets the whole book, so that a local book lacks nothing. */
const futuresLevels = ["5", "10", "20", "50", "100", "500", "1000"];
const wholeBook = { spot: 5_000, usdm: 1_000 } as const;

/** The book and the trades at the playhead. */
export const marketDataRoutes: readonly Route[] = [
  {
    method: "GET",
    path: "/api/v3/depth",
    weight: ({ parameters }) =>
      depthWeight(Number(parameters.text("limit") ?? 100), [100, 500, 1_000], [5, 25, 50, 250]),
    async handle(request, venue) {
      const limit = request.parameters.limit({ most: wholeBook.spot, usual: 100 });
      const { epoch } = await symbolMarketOf(request, venue);
      return { lastUpdateId: epoch.lastUpdateId, ...levelsOf(epoch, limit, "spot") };
    },
  },
  {
    method: "GET",
    path: "/fapi/v1/depth",
    weight: ({ parameters }) => depthWeight(Number(parameters.text("limit") ?? 500), [50, 100, 500], [2, 5, 10, 20]),
    async handle(request, venue) {
      const limit = Number(request.parameters.oneOf("limit", futuresLevels) ?? 500);
      const { epoch } = await symbolMarketOf(request, venue);
      const { time: T } = epoch;
      return { lastUpdateId: epoch.lastUpdateId, E: T, T, ...levelsOf(epoch, limit, "usdm") };
    },
  },
  ...inBothMarkets("/trades", {
    weight: 25,
    async handle(request, venue) {
      const limit = request.parameters.limit({ most: 1_000, usual: 500 });
      const { player, epoch } = await symbolMarketOf(request, venue);
      return (await player.historyOf(epoch)).recent(limit).map((trade) => tradeOf(trade, request.market));
    },
  }),
  ...inBothMarkets("/historicalTrades", {
    weight: 25,
    async handle(request, venue) {
      const limit = request.parameters.limit({ most: 1_000, usual: 500 });
      const fromId = request.parameters.integer("fromId");
      const { player, epoch } = await symbolMarketOf(request, venue);
      const recent = (await player.historyOf(epoch)).recent(1_000);
      const from =
        fromId === undefined ? recent.slice(-limit) : recent.filter(({ id }) => id >= fromId).slice(0, limit);
      return from.map((trade) => tradeOf(trade, request.market));
    },
  }),
  ...inBothMarkets("/aggTrades", {
    weight: 4,
    async handle(request, venue) {
      const { parameters } = request;
      const limit = parameters.limit({ most: 1_000, usual: 500 });
      const fromId = parameters.integer("fromId");
      const startTime = parameters.integer("startTime");
      const endTime = parameters.integer("endTime") ?? Number.POSITIVE_INFINITY;
      const { player, epoch } = await symbolMarketOf(request, venue);
      const recent = (await player.historyOf(epoch)).recent(1_000).filter(({ time }) => time <= endTime);
      const isForward = fromId !== undefined || startTime !== undefined;
      const chosen = isForward
        ? recent.filter(({ id, time }) => id >= (fromId ?? 0) && time >= (startTime ?? 0)).slice(0, limit)
        : recent.slice(-limit);
      return chosen.map((trade) => aggregateOf(trade, request.market));
    },
  }),
  {
    method: "GET",
    path: "/api/v3/avgPrice",
    weight: 2,
    async handle(request, venue) {
      const { epoch } = await symbolMarketOf(request, venue);
      return { mins: 5, price: lastPriceOf(epoch, "spot"), closeTime: epoch.time };
    },
  },
];

function levelsOf({ book }: PlayedEpoch, limit: number, market: Market): LevelChanges {
  return writtenLevels(market, book.top(limit < wholeBook[market] ? limit : Number.POSITIVE_INFINITY));
}

function depthWeight(limit: number, bounds: readonly number[], weights: readonly number[]): number {
  const at = bounds.findIndex((bound) => limit <= bound);
  return weights[at < 0 ? bounds.length : at] ?? 1;
}

/** Of the last trade, or the middle of the best prices before the first. @throws BinanceError if the tape has neither by now */
export function lastPriceOf({ lastTrade, book }: PlayedEpoch, market: Market): string {
  const text = written[market];
  if (lastTrade !== undefined) return text(lastTrade.price);
  const { mid } = book.book;
  if (mid === undefined) throw new BinanceError("UNKNOWN", "The session's market has no price yet.", { status: 409 });
  return text(book.price(Math.round(mid)));
}

function tradeOf({ id, price, quantity, time, buyerIsMaker: isBuyerMaker }: VenueTrade, market: Market) {
  const text = written[market];
  const quoteQty = (Number(price) * Number(quantity)).toFixed(8);
  const texts = { price: text(price), qty: text(quantity), quoteQty };
  return { id, ...texts, time, isBuyerMaker, ...(market === "spot" && { isBestMatch: true }) };
}

function aggregateOf({ id, price, quantity, time: T, buyerIsMaker: m }: VenueTrade, market: Market) {
  const text = written[market];
  return { a: id, p: text(price), q: text(quantity), f: id, l: id, T, m, ...(market === "spot" && { M: true }) };
}
