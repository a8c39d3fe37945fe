import type { BookSideName } from "@tapedeck/market";
import type { TapeOrder } from "../tape-events.js";

/** An order of the tape that rests in the book. */
export interface RestingTapeOrder {
  readonly side: BookSideName;
  readonly price: number;
  amount: number;
  /** Orders at a price stand in the order of these numbers. */
  readonly entered: number;
}

/** What happened in the queue at a price. Amounts are units. */
export interface QueueChange {
  readonly side: BookSideName;
  readonly price: number;
  /** The number in the queue of the order it happened to; -1: it was there before the tape began; infinite: no queue has it (hidden). */
  readonly entered: number;
  /** By how much the queue became shorter there. */
  readonly left: number;
  /** How much a taker traded there, who trades with what is ahead first. */
  readonly executed: number;
}

/**
 * The orders of a tape that has them. Orders that rested before the tape began are unknown until they are executed or cancelled, and are
 * ahead of all others.
 */
export class OrderQueue {
  readonly orders = new Map<string, RestingTapeOrder>();
  /** The number of the next order that enters, of the tape or ours. */
  #next = 0;

  get next(): number {
    return this.#next;
  }

  /** Goes on with the numbers of another engine's queue. */
  continueAt(next: number): void {
    this.#next = next;
  }

  /** A place at the end of the queue, for an order of ours. */
  enter(): number {
    return this.#next++;
  }

  /** Applies what the tape says of an order; undefined if no queue got shorter and nothing was traded. */
  apply(said: TapeOrder): QueueChange | undefined {
    const { action, id, amountUnits } = said;
    if (action === "clear") this.orders.clear();
    if (action === "clear" || action === "trade") return undefined;
    const known = this.orders.get(id);
    const side = said.side ?? known?.side;
    const price = said.priceUnits ?? known?.price;
    if (side === undefined || price === undefined) return undefined;
    if (action === "hidden") return { side, price, entered: Number.POSITIVE_INFINITY, left: 0, executed: amountUnits };
    if (action === "add" || action === "modify") return this.#set(id, known, { side, price, amount: amountUnits });
    const executed = action === "execute" ? amountUnits : 0;
    if (known === undefined) return { side, price, entered: -1, left: amountUnits, executed };
    const rest = said.restUnits ?? known.amount - amountUnits;
    const left = known.amount - rest;
    known.amount = rest;
    if (rest <= 0) this.orders.delete(id);
    return { side: known.side, price: known.price, entered: known.entered, left, executed };
  }

  /** An order that becomes smaller at its price keeps its place; anything else goes to the end. */
  #set(
    id: string,
    known: RestingTapeOrder | undefined,
    order: Omit<RestingTapeOrder, "entered">,
  ): QueueChange | undefined {
    if (known === undefined) {
      this.orders.set(id, { ...order, entered: this.enter() });
      return undefined;
    }
    const { side, price, entered, amount } = known;
    if (price === order.price && order.amount < amount) {
      known.amount = order.amount;
      return { side, price, entered, left: amount - order.amount, executed: 0 };
    }
    this.orders.set(id, { ...order, entered: this.enter() });
    return { side, price, entered, left: amount, executed: 0 };
  }
}
