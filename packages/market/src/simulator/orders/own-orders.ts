import type { MarketTrade } from "../../frame/frame-analytics.js";
import type { Intervention, MarketSegment } from "../market-segment.js";
import { frameMs, framesPerSegment, tapeMsOf } from "../segments.js";

/** An order at market that the user of a simulated market gave. */
export interface OwnOrder {
  /** The frame that shows its fill. */
  readonly seq: number;
  readonly side: "BUY" | "SELL";
  /** Units of the instrument, above 0. */
  readonly quantity: number;
  /** What it got, once that is known: how far it is felt afterwards depends on it. */
  readonly filled?: number;
}

/** What an order got: never more than what was there. */
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

/** The first millisecond that an order's frame shows, in its segment: then it acts. */
function actMs({ seq }: OwnOrder): number {
  return (seq % framesPerSegment) * frameMs + 1;
}

/** The same in milliseconds of tape time. */
export function orderMs(order: OwnOrder): number {
  return tapeMsOf(segmentOfFrame(order.seq), actMs(order));
}

/** Hears of an order's trades as they happen; none where it found nobody. */
export type OnTraded = (order: OwnOrder, trades: readonly MarketTrade[], market: MarketSegment) => void;

/** What orders do to a segment, each in its turn. */
export function orderInterventions(orders: readonly OwnOrder[], segment: number, onTraded: OnTraded): Intervention[] {
  return orders
    .filter(({ seq }) => segmentOfFrame(seq) === segment)
    .map((order) => ({
      atMs: actMs(order),
      act: (market) => onTraded(order, market.order(order.side === "BUY" ? "buy" : "sell", order.quantity), market),
    }));
}

/** Sums up an order's trades, shown by a frame with this mid price; undefined where it got none. */
export function fillOfTrades(trades: readonly MarketTrade[], mid: number): OwnFill | undefined {
  const [first] = trades;
  if (first === undefined) return undefined;
  const size = trades.reduce((sum, trade) => sum + trade.size, 0);
  const paid = trades.reduce((sum, trade) => sum + trade.price * trade.size, 0);
  return { timestamp: first.timestamp, price: fine(paid / size), size: sizeOfTrades(trades), mid };
}

/** Units traded, 0 without trades. */
export function sizeOfTrades(trades: readonly MarketTrade[]): number {
  return fine(trades.reduce((sum, trade) => sum + trade.size, 0));
}

/** Without the noise of floating point: 8 decimals. */
function fine(value: number): number {
  return Number(value.toFixed(8));
}
