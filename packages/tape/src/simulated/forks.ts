import type { OwnFill, OwnOrder } from "@tapedeck/market";

/** An order as it was put down with its session: those of one tape are a chain. */
export interface PlacedOrder extends OwnOrder {
  readonly id: string;
  /** The order that this one followed on the same tape; empty for the first of a chain. */
  readonly after: string;
  readonly filled: number;
}

/** All orders that a session's user gave, whichever tapes they are on. */
export type ReadOrders = (session: string) => Promise<readonly PlacedOrder[]>;

/** The tape that an order makes of another, and what the order gets on it. */
export interface ForkedTape {
  /** `id@version`. It can be opened once the order is put down. */
  readonly tape: string;
  readonly order: PlacedOrder;
  /** Whether it goes on from the last order of the tape it was given on: all frames before its own are the same on both. */
  readonly appended: boolean;
  readonly fill: OwnFill;
}

/** The orders that lead up to one, the first of them first; undefined where one is missing. */
export function orderChain(id: string, orders: readonly PlacedOrder[]): PlacedOrder[] | undefined {
  const byId = new Map(orders.map((order) => [order.id, order]));
  const chain: PlacedOrder[] = [];
  for (let next = id; next !== ""; ) {
    const order = byId.get(next);
    if (order === undefined) return undefined;
    chain.push(order);
    byId.delete(next); // no order twice, however the list came to be
    next = order.after;
  }
  return chain.reverse();
}
