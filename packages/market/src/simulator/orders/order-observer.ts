import type { TradeSide } from "@tapedeck/protocol";
import type { RestingOrder } from "./resting-orders.js";

/** Learns what becomes of each order of a segment, while it is made. Times are milliseconds of the segment; orders change later. */
export interface OrderObserver {
  /** The order is in the book now, at its tick and behind all others there; it may have been there before, elsewhere. */
  rested(order: RestingOrder, ms: number): void;
  /** Lots of an order in the book were traded; the order has what rests of it. `own`: by the user. */
  executed(order: RestingOrder, lots: number, ms: number, own: boolean): void;
  /** The order leaves the book, or does not come into it, with the lots that it has. */
  cancelled(order: RestingOrder, ms: number): void;
  /** An order came and traded with those in the book, which were reported before. `order`: what is left of it may rest. */
  took(side: Exclude<TradeSide, "unknown">, lots: number, ms: number, order: RestingOrder | undefined): void;
  /** A trade that has no order in the book. */
  printed(side: Exclude<TradeSide, "unknown">, tick: number, lots: number, ms: number): void;
}
