import type { OwnFill, OwnOrder } from "@tapedeck/market";
import type { TapeNs } from "@tapedeck/protocol";
import { LRUCache } from "lru-cache";

/** An order as it was put down with its session: those of one tape are a chain. */
export interface PlacedOrder extends OwnOrder {
  readonly id: string;
  /** The order that this one followed on the same tape; empty for the first of a chain. */
  readonly after: string;
  readonly filled: number;
  /** When the action was sent that took this from the market; absent: it was given to the market itself. */
  readonly sent?: TapeNs | undefined;
}

/** The orders that a session's user gave, whichever tapes they are on, from the one at place `from` on. */
export type ReadOrders = (session: string, from: number) => Promise<readonly PlacedOrder[]>;

/** What an order took that filled at a venue, for the market to see. */
export interface SettledOrder extends Pick<OwnOrder, "side" | "quantity"> {
  /** The frame in which the market sees it. */
  readonly seq: number;
  readonly sent: TapeNs;
}

/** The tape whose market has seen a settled order. */
export interface ReactingTape {
  /** `id@version`. It can be opened once the order is put down. */
  readonly tape: string;
  readonly order: PlacedOrder;
}

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
function orderChain(id: string, orders: ReadonlyMap<string, PlacedOrder>): PlacedOrder[] | undefined {
  const chain: PlacedOrder[] = [];
  for (let next = id; next !== ""; ) {
    const order = orders.get(next);
    if (order === undefined || chain.length > orders.size) return undefined;
    chain.push(order);
    next = order.after;
  }
  return chain.reverse();
}

/** Sessions whose orders are kept. */
const keptSessions = 1_000;

/** The orders of sessions, each of which is read once: they never change, and their lists only grow. */
export class OrderLists {
  readonly #read: ReadOrders;
  readonly #known = new LRUCache<string, Map<string, PlacedOrder>>({ max: keptSessions });

  constructor(read: ReadOrders) {
    this.#read = read;
  }

  /** The orders that lead up to one, the first of them first; undefined where one is missing. Rejects as reading them does. */
  async chain(id: string, session: string): Promise<readonly PlacedOrder[] | undefined> {
    const known = this.#known.get(session);
    const read = known && orderChain(id, known);
    if (read !== undefined) return read;
    if (known !== undefined) {
      add(known, await this.#read(session, known.size));
      const chain = orderChain(id, known);
      if (chain !== undefined) return chain;
    }
    // The session is new, or another one of the same name has begun.
    const all = new Map<string, PlacedOrder>();
    add(all, await this.#read(session, 0));
    this.#known.set(session, all);
    return orderChain(id, all);
  }
}

function add(known: Map<string, PlacedOrder>, orders: readonly PlacedOrder[]): void {
  for (const order of orders) known.set(order.id, order);
}
