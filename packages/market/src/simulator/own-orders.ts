import type { MarketTrade } from "../analytics.js";
import type { Intervention } from "./market.js";
import { frameMs, framesPerSegment } from "./segments.js";

/** An order at market that the user of a simulated market gave. */
export interface OwnOrder {
  /** The frame that shows its fill. */
  readonly seq: number;
  readonly side: "BUY" | "SELL";
  /** Units of the instrument, above 0. */
  readonly quantity: number;
}

/** What an order got: never more than what was there. */
export interface OwnFill {
  /** ISO 8601, the tape's time. */
  readonly timestamp: string;
  /** Mean of its trades' prices, weighted by size. */
  readonly price: number;
  /** Above 0; less than the order's quantity where the book had no more. */
  readonly size: number;
}

export function segmentOfFrame(seq: number): number {
  return Math.floor(seq / framesPerSegment);
}

/** What orders do to a segment. They act in their turn, at the first millisecond that their frame shows. */
export function actsOf(
  orders: readonly OwnOrder[],
  segment: number,
  onFilled: (order: OwnOrder, trades: readonly MarketTrade[]) => void = () => undefined,
): Intervention[] {
  return orders
    .filter(({ seq }) => segmentOfFrame(seq) === segment)
    .map((order) => ({
      atMs: (order.seq % framesPerSegment) * frameMs + 1,
      act: (market) => onFilled(order, market.order(order.side === "BUY" ? "buy" : "sell", order.quantity)),
    }));
}

/** Sums up an order's trades; undefined where it got none. */
export function fillOfTrades(trades: readonly MarketTrade[]): OwnFill | undefined {
  const [first] = trades;
  if (first === undefined) return undefined;
  const size = trades.reduce((sum, trade) => sum + trade.size, 0);
  const paid = trades.reduce((sum, trade) => sum + trade.price * trade.size, 0);
  return { timestamp: first.timestamp, price: fine(paid / size), size: fine(size) };
}

/** Without the noise of floating point: 8 decimals. */
function fine(value: number): number {
  return Number(value.toFixed(8));
}
