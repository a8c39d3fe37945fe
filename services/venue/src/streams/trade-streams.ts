import type { VenueTrade } from "../player/market-events.js";
import { written } from "../player/written-decimals.js";
import type { MakeStream, StreamContext } from "./market-stream.js";

/** `@trade`: each trade of the tape. */
export const trades: MakeStream = (context) => ofTrades(context, tradeMessage);

/** `@aggTrade`: the same, since a tape's trades are those of takers, or were aggregated by their venue. */
export const aggregateTrades: MakeStream = (context) => ofTrades(context, aggregateMessage);

function ofTrades(context: StreamContext, message: (context: StreamContext, trade: VenueTrade) => object) {
  return {
    dueNs: Number.POSITIVE_INFINITY,
    flush() {},
    trade(trade: VenueTrade) {
      context.send(JSON.stringify(message(context, trade)));
    },
  };
}

function tradeMessage({ epoch, market }: StreamContext, trade: VenueTrade): object {
  const { id: t, eventTime: E, time: T, buyerIsMaker: m } = trade;
  const { p, q } = pricesOf(trade, market);
  const s = epoch.symbol.symbol;
  if (market === "spot") return { e: "trade", E, s, t, p, q, T, m, M: true };
  return { e: "trade", E, T, s, t, p, q, X: "MARKET", m };
}

function aggregateMessage({ epoch, market }: StreamContext, trade: VenueTrade): object {
  const { id, eventTime: E, time: T, buyerIsMaker: m } = trade;
  const { p, q } = pricesOf(trade, market);
  const message = { e: "aggTrade", E, s: epoch.symbol.symbol, a: id, p, q, f: id, l: id, T, m };
  return market === "spot" ? { ...message, M: true } : message;
}

function pricesOf({ price, quantity }: VenueTrade, market: StreamContext["market"]) {
  const text = written[market];
  return { p: text(price), q: text(quantity) };
}
