import type { NewOrder, TimeInForce } from "../actions.js";
import type { QueuePlace } from "../queue/queue-place.js";
import type { OrderSide, OrderType } from "./order-types.js";

/** An open order. */
export interface WorkingOrder {
  /** The venue's number, from 1 in the order of arrival. */
  readonly number: number;
  readonly id: string;
  readonly side: OrderSide;
  /** One that was triggered is a MARKET or LIMIT order. */
  type: OrderType;
  price: number | undefined;
  stopPrice: number | undefined;
  readonly timeInForce: TimeInForce;
  /** Only of an order that closes the position. */
  readonly closePosition?: true | undefined;
  /** Only of an order that may only make the position smaller. While it is in the market, no more of it is open than that. */
  readonly reduceOnly?: true | undefined;
  /** When it ends if it is open then. */
  readonly expiresNs?: bigint | undefined;
  /** What is not filled yet; 0 while an order that closes the position waits. */
  open: number;
  /** The number of the first order of its list; absent: it is in none. */
  readonly list?: number | undefined;
  /** `first`: others wait for it. `waiting`: for the first one, out of the market. */
  phase?: "first" | "waiting" | undefined;
  /** Where it rests; undefined while it is not in the book. */
  place: QueuePlace | undefined;
  /** In exact queues: orders of the tape with a smaller number are ahead. */
  entered: number;
}

export function workingOrder(number: number, order: NewOrder): WorkingOrder {
  const { id, side, type, amount, price, stopPrice, timeInForce = "GTC", closePosition, reduceOnly, expiresNs } = order;
  const asSent = {
    number,
    id,
    side,
    type,
    price,
    stopPrice,
    timeInForce,
    ...(closePosition === true && { closePosition }),
    ...(reduceOnly === true && { reduceOnly }),
    ...(expiresNs !== undefined && { expiresNs }),
  };
  return { ...asSent, open: amount, place: undefined, entered: 0 };
}
