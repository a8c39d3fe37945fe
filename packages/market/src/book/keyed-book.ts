import type { BookSideName, OrderBook } from "./order-book.js";

/** Drives a book whose venue names levels by ids: an update carries the id and the new size, but no price (BitMEX). */
export class KeyedBook {
  readonly #book: OrderBook;
  readonly #levels = new Map<number, { side: BookSideName; price: number }>();

  constructor(book: OrderBook) {
    this.#book = book;
  }

  clear(): void {
    this.#levels.clear();
    this.#book.clear();
  }

  has(id: number): boolean {
    return this.#levels.has(id);
  }

  insert(id: number, side: BookSideName, price: number, size: number): void {
    this.delete(id);
    this.#levels.set(id, { side, price });
    this.#book.set(side, price, size);
  }

  /** False where the id is unknown: a level was lost. */
  update(id: number, size: number): boolean {
    const level = this.#levels.get(id);
    if (level === undefined) return false;
    this.#book.set(level.side, level.price, size);
    return true;
  }

  /** False where the id is unknown. */
  delete(id: number): boolean {
    const level = this.#levels.get(id);
    if (level === undefined) return false;
    this.#levels.delete(id);
    this.#book.set(level.side, level.price, 0);
    return true;
  }
}
