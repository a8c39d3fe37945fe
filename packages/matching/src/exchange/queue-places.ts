import type { BookLevel, BookSideName } from "@tapedeck/market";
import type { OwnOrders } from "../orders/own-orders.js";
import type { WorkingOrder } from "../orders/working-order.js";
import type { OrderQueue } from "../queue/order-queue.js";
import type { QueueModel } from "../queue/queue-place.js";
import { ownSide, type TapeLevel } from "../tape-events.js";
import type { TapeBook } from "./tape-book.js";

interface QueuePlacesParts {
  readonly own: OwnOrders;
  readonly book: TapeBook;
  /** Undefined where queues are exact. */
  readonly model: QueueModel | undefined;
  /** Undefined where they are estimated. */
  readonly tapeQueue: OrderQueue | undefined;
  /** Of the places that were given, where queues are estimated. */
  readonly counts: { entered: number };
  /** Units of an amount per 1. */
  readonly perUnit: number;
}

/** Where own orders stand in the queues of the book as it changes. */
export class QueuePlaces {
  readonly #parts: QueuePlacesParts;

  constructor(parts: QueuePlacesParts) {
    this.#parts = parts;
  }

  /** An order goes to the end of the queue at its price. */
  enter(order: WorkingOrder): void {
    const { book, model, tapeQueue, counts, perUnit } = this.#parts;
    const ahead = book.size(ownSide(order.side), order.price ?? 0);
    order.place = model?.enter(ahead / perUnit) ?? { front: ahead, traded: 0 };
    order.entered = tapeQueue?.enter() ?? counts.entered++;
  }

  // HOT: once per message of a tape.
  update(levels: readonly TapeLevel[]): void {
    const { own, book } = this.#parts;
    for (const { side, priceUnits, amountUnits } of levels) {
      if (own.restsAny(side) && own.at(side, priceUnits) !== undefined)
        this.#levelChanged(side, priceUnits, book.size(side, priceUnits), amountUnits);
      book.set(side, priceUnits, amountUnits);
    }
  }

  replaceBook(levels: readonly TapeLevel[]): void {
    const { own, book } = this.#parts;
    const sides: Record<BookSideName, BookLevel[]> = { bid: [], ask: [] };
    for (const { side, priceUnits, amountUnits } of levels) sides[side].push([priceUnits, amountUnits]);
    const places = (["bid", "ask"] as const).flatMap((side) => own.prices(side).map((price) => ({ side, price })));
    const before = places.map(({ side, price }) => book.size(side, price));
    book.replace(sides.bid, sides.ask);
    for (const [at, { side, price }] of places.entries()) {
      const was = before[at] ?? 0;
      const is = book.size(side, price);
      if (was > 0 || is > 0) this.#levelChanged(side, price, was, is);
    }
  }

  #levelChanged(side: BookSideName, price: number, before: number, after: number): void {
    const { own, model, perUnit } = this.#parts;
    for (const { place } of own.at(side, price) ?? []) {
      if (place === undefined) continue;
      if (model === undefined) place.front = Math.min(place.front, after);
      else model.level(place, before / perUnit, after / perUnit);
    }
  }
}
