import { type DayStatistics, dayStatistics } from "../candles/day-statistics.js";
import type { TradeHistory } from "../candles/trade-history.js";
import { written } from "../player/written-decimals.js";
import { intervalEnd, type MakeStream, type MarketStream, msInNs, type StreamContext } from "./market-stream.js";

/** How often a changing ticker is sent, in tape time. */
const everyMs = 1_000;
const dayMs = 86_400_000;

/** `@ticker`: the day before the playhead. */
export const ticker: MakeStream = (context) => ofDay(context, (day) => tickerMessage(context, day));

/** `@miniTicker`: the same in short. */
export const miniTicker: MakeStream = (context) => ofDay(context, (day) => miniTickerMessage(context, day));

/** `!ticker@arr` and `!miniTicker@arr`: of all symbols, of which there is one. */
export const allTickers: MakeStream = (context) => ofDay(context, (day) => [tickerMessage(context, day)]);
export const allMiniTickers: MakeStream = (context) => ofDay(context, (day) => [miniTickerMessage(context, day)]);

/** `@markPrice`: the middle of the best prices stands for the mark price and the index; there is no funding. */
export function markPrice(intervalMs: number, { all = false } = {}): MakeStream {
  return ({ epoch, send }) =>
    everyInterval(epoch, intervalMs, () => {
      const price = epoch.book.middle;
      const message = {
        ...{ e: "markPriceUpdate", E: epoch.time, s: epoch.symbol.symbol, p: price, i: price, P: price },
        ...{ r: "0.00000000", T: nextFunding(epoch.time) },
      };
      send(JSON.stringify(all ? [message] : message));
    });
}

const fundingMs = 28_800_000;

/** Funding is at 0, 8 and 16 o'clock; none is paid. */
export function nextFunding(time: number): number {
  return (Math.floor(time / fundingMs) + 1) * fundingMs;
}

function ofDay(context: StreamContext, message: (day: DayStatistics) => object): MarketStream {
  let history: TradeHistory | undefined;
  context.history().then(
    (loaded) => {
      history = loaded;
    },
    () => {}, // the tape cannot be read: no tickers until the bot connects again
  );
  return everyInterval(context.epoch, everyMs, () => {
    if (history !== undefined)
      context.send(JSON.stringify(message(dayStatistics(context.epoch, history, context.market))));
  });
}

/** Calls back at the end of each interval of tape time in which the market moved, and when the market stands. */
function everyInterval(epoch: StreamContext["epoch"], intervalMs: number, tell: () => void): MarketStream {
  let dueNs = Number.POSITIVE_INFINITY;
  const moved = () => {
    if (dueNs === Number.POSITIVE_INFINITY) dueNs = intervalEnd(epoch.toldNs, intervalMs * msInNs);
  };
  const tellNow = () => {
    if (dueNs === Number.POSITIVE_INFINITY) return;
    dueNs = Number.POSITIVE_INFINITY;
    tell();
  };
  return {
    get dueNs() {
      return dueNs;
    },
    flush: tellNow,
    pause: tellNow,
    end: tellNow,
    depth: moved,
    trade: moved,
  };
}

function miniTickerMessage(
  { epoch }: StreamContext,
  { open, high, low, close, volume, quoteVolume }: DayStatistics,
): object {
  const prices = { c: close, o: open, h: high, l: low, v: volume, q: quoteVolume };
  return { e: "24hrMiniTicker", E: epoch.time, s: epoch.symbol.symbol, ...prices };
}

function tickerMessage({ epoch, market }: StreamContext, day: DayStatistics): object {
  const { lastTrade } = epoch;
  const { bids, asks } = epoch.book.top(1);
  const [[b = "0", B = "0"] = []] = bids;
  const [[a = "0", A = "0"] = []] = asks;
  const previousClose = market === "spot" ? { x: day.open } : {};
  const text = written[market];
  const best = market === "spot" ? { b: text(b), B: text(B), a: text(a), A: text(A) } : {};
  return {
    ...{ e: "24hrTicker", E: epoch.time, s: epoch.symbol.symbol, p: day.change, P: day.changePercent, w: day.average },
    ...previousClose,
    ...{ c: day.close, Q: text(lastTrade?.quantity ?? "0") },
    ...best,
    ...{ o: day.open, h: day.high, l: day.low, v: day.volume, q: day.quoteVolume },
    ...{ O: epoch.time - dayMs, C: epoch.time, F: day.firstId, L: day.lastId, n: day.trades },
  };
}
