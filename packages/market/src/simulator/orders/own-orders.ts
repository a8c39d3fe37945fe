import type { MarketTrade } from "../../frame/frame-analytics.js";
import type { Intervention, MarketSegment } from "../market-segment.js";
import { frameMs, framesPerSegment, tapeMsOf } from "../segments.js";

/** A market order of the user of a simulated market. */
export interface OwnOrder {
  /** The frame that shows its fill. */
  readonly seq: number;
  readonly side: "BUY" | "SELL";
  /** Units of the instrument, above 0. */
  readonly quantity: number;
  /** Filled quantity, once known; it determines the later price impact. */
  readonly filled?: number;
  /** It was filled at a venue that only looked at the book: that is its quantity, whatever the book has when the market sees it. */
  readonly settled?: boolean | undefined;
}

/** The execution of an order, limited by the book's liquidity. */
export interface OwnFill {
  /** ISO 8601, the tape's time. */
  readonly timestamp: string;
  /** Mean of its trades' prices, weighted by size. */
  readonly price: number;
  /** Above 0; less than the order's quantity where the book had no more. */
  readonly size: number;
  /** Mid price of the frame that shows it. */
  readonly mid: number;
}

export function segmentOfFrame(seq: number): number {
  return Math.floor(seq / framesPerSegment);
}

/** Millisecond of its segment at which an order executes: the first of its frame's interval. */
function executionMs({ seq }: OwnOrder): number {
  return (seq % framesPerSegment) * frameMs + 1;
}

/** The time of execution in milliseconds of tape time. */
export function orderMs(order: OwnOrder): number {
  return tapeMsOf(segmentOfFrame(order.seq), executionMs(order));
}

/** Receives an order's trades when it executes; none without liquidity. */
export type OnTraded = (order: OwnOrder, trades: readonly MarketTrade[], market: MarketSegment) => void;

/** The interventions of the orders of a segment. */
export function orderInterventions(orders: readonly OwnOrder[], segment: number, onTraded: OnTraded): Intervention[] {
  return orders
    .filter(({ seq }) => segmentOfFrame(seq) === segment)
    .map((order) => ({
      atMs: executionMs(order),
      act: (market) => onTraded(order, market.order(order.side === "BUY" ? "buy" : "sell", order.quantity), market),
    }));
}

/** Summarises an order's trades, with the mid price of their frame; undefined without trades. */
export function fillOfTrades(trades: readonly MarketTrade[], mid: number): OwnFill | undefined {
  const [first] = trades;
  if (first === undefined) return undefined;
  const size = trades.reduce((sum, trade) => sum + trade.size, 0);
  const paid = trades.reduce((sum, trade) => sum + trade.price * trade.size, 0);
  return { timestamp: first.timestamp, price: withoutNoise(paid / size), size: sizeOfTrades(trades), mid };
}

/** Units traded, 0 without trades. */
export function sizeOfTrades(trades: readonly MarketTrade[]): number {
  return withoutNoise(trades.reduce((sum, trade) => sum + trade.size, 0));
}

/** Rounds to 8 decimals, without float noise. */
function withoutNoise(value: number): number {
  return Number(value.toFixed(8));
}
