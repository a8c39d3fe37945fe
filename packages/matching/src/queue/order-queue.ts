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

/** What an order of the tape did to the queue at its price. Amounts are units. */
export interface QueueChange {
  readonly side: BookSideName;
  readonly price: number;
  readonly amount: number;
  /** Its number in the queue; -1: it was there before the tape began; infinite: it is behind all (hidden). */
  readonly entered: number;
  /** A taker traded with it: with what is ahead of it first. */
  readonly executed: boolean;
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

  /** Applies what the tape says of an order; undefined if no queue got shorter by it. */
  apply({ action, id, side, priceUnits, amountUnits }: TapeOrder): QueueChange | undefined {
    if (action === "clear") this.orders.clear();
    if (action === "clear" || action === "trade") return undefined;
    const known = this.orders.get(id);
    if (action === "add" || action === "modify") return this.#set(id, known, side, priceUnits, amountUnits);
    const at = { side: known?.side ?? side, price: known?.price ?? priceUnits };
    if (at.side === undefined || at.price === undefined) return undefined;
    const executed = action !== "cancel";
    if (action === "hidden")
      return { side: at.side, price: at.price, amount: amountUnits, entered: Number.POSITIVE_INFINITY, executed };
    if (known !== undefined) {
      known.amount -= amountUnits;
      if (known.amount <= 0) this.orders.delete(id);
    }
    return { side: at.side, price: at.price, amount: amountUnits, entered: known?.entered ?? -1, executed };
  }

  /** A smaller amount at the same price keeps the place; anything else goes to the end. */
  #set(
    id: string,
    known: RestingTapeOrder | undefined,
    side: BookSideName | undefined,
    price: number | undefined,
    amount: number,
  ): QueueChange | undefined {
    const where = { side: side ?? known?.side, price: price ?? known?.price };
    if (where.side === undefined || where.price === undefined) return undefined;
    const stays = known !== undefined && known.price === where.price && amount <= known.amount;
    const left = known === undefined ? 0 : stays ? known.amount - amount : known.amount;
    if (stays) known.amount = amount;
    else this.orders.set(id, { side: where.side, price: where.price, amount, entered: this.enter() });
    if (known === undefined || left === 0) return undefined;
    return { side: known.side, price: known.price, amount: left, entered: known.entered, executed: false };
  }
}
