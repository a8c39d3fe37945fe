import type { NewOrder, OrderSide, OrderType, TimeInForce } from "../actions.js";
import type { QueuePlace } from "../queue/queue-place.js";

/** An open order. */
export interface WorkingOrder {
  /** The venue's number, from 1 in the order of arrival. */
  readonly number: number;
  readonly id: string;
  readonly side: OrderSide;
  /** A stop order that was triggered is a MARKET or LIMIT order. */
  type: OrderType;
  price: number | undefined;
  readonly stopPrice: number | undefined;
  readonly timeInForce: TimeInForce;
  /** What is not filled yet. */
  open: number;
  /** Where it rests; undefined while it is not in the book. */
  place: QueuePlace | undefined;
  /** In exact queues: orders of the tape with a smaller number are ahead. */
  entered: number;
}

export function workingOrder(number: number, order: NewOrder): WorkingOrder {
  const { id, side, type, amount, price, stopPrice, timeInForce = "GTC" } = order;
  return { number, id, side, type, price, stopPrice, timeInForce, open: amount, place: undefined, entered: 0 };
}

export function isStop({ type }: Pick<WorkingOrder, "type">): boolean {
  return type === "STOP" || type === "STOP_LIMIT";
}
