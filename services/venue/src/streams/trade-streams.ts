import type { VenueTrade } from "../player/market-events.js";
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
  const { id: t, eventTime: E, time: T, price: p, quantity: q, buyerIsMaker: m } = trade;
  const s = epoch.symbol.symbol;
  if (market === "spot") return { e: "trade", E, s, t, p, q, T, m, M: true };
  return { e: "trade", E, T, s, t, p, q, X: "MARKET", m };
}

function aggregateMessage({ epoch, market }: StreamContext, trade: VenueTrade): object {
  const { id, eventTime: E, time: T, price: p, quantity: q, buyerIsMaker: m } = trade;
  const message = { e: "aggTrade", E, s: epoch.symbol.symbol, a: id, p, q, f: id, l: id, T, m };
  return market === "spot" ? { ...message, M: true } : message;
}
