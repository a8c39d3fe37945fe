import { isInterval } from "../candles/intervals.js";
import type { Market } from "../http/target.js";
import { candles } from "./candle-streams.js";
import { bestLevels, bestPrices, eachUpdate, joinedUpdates } from "./depth-streams.js";
import type { MakeStream } from "./market-stream.js";
import { allMiniTickers, allTickers, markPrice, miniTicker, ticker } from "./ticker-streams.js";
import { aggregateTrades, trades } from "./trade-streams.js";

/** In ms, by how a stream's name says it. Spot's slower streams say nothing or 1000ms, futures' 250ms. */
const intervals: Readonly<Record<Market, Readonly<Record<string, number>>>> = {
  spot: { "": 1_000, "@1000ms": 1_000, "@100ms": 100 },
  usdm: { "": 250, "@100ms": 100, "@250ms": 250, "@500ms": 500 },
};

const ofAll: Readonly<Record<string, MakeStream>> = {
  "!ticker@arr": allTickers,
  "!miniTicker@arr": allMiniTickers,
  "!bookTicker": bestPrices,
};
const ofAllFutures: Readonly<Record<string, MakeStream>> = {
  "!markPrice@arr": markPrice(3_000, { all: true }),
  "!markPrice@arr@1s": markPrice(1_000, { all: true }),
};
const ofSymbol: Readonly<Record<string, MakeStream>> = {
  depth: eachUpdate,
  trade: trades,
  aggTrade: aggregateTrades,
  bookTicker: bestPrices,
  ticker,
  miniTicker,
};
const ofFuture: Readonly<Record<string, MakeStream>> = {
  "depth@0ms": eachUpdate,
  markPrice: markPrice(3_000),
  "markPrice@1s": markPrice(1_000),
};

/** How to make the stream of a name such as `btcusdt@depth@100ms`; undefined if the venue has none of that name for this symbol. */
export function streamOfName(name: string, market: Market, symbol: string): MakeStream | undefined {
  const all = ownValue(ofAll, name) ?? (market === "usdm" ? ownValue(ofAllFutures, name) : undefined);
  if (all !== undefined) return all;
  const prefix = `${symbol.toLowerCase()}@`;
  if (!name.startsWith(prefix)) return undefined;
  const kind = name.slice(prefix.length);
  const one = ownValue(ofSymbol, kind) ?? (market === "usdm" ? ownValue(ofFuture, kind) : undefined);
  if (one !== undefined) return one;
  const [, interval] = /^kline_(\w+)$/.exec(kind) ?? [];
  if (interval !== undefined) return isInterval(interval) ? candles(interval) : undefined;
  const [matched, levels, every = ""] = /^depth(5|10|20)?(@\d+ms)?$/.exec(kind) ?? [];
  const intervalMs = ownValue(intervals[market], every);
  if (matched === undefined || intervalMs === undefined) return undefined;
  return levels === undefined ? joinedUpdates(intervalMs) : bestLevels(Number(levels), intervalMs);
}

function ownValue<T>(record: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}
