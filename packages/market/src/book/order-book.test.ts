import fc from "fast-check";
import { expect, test } from "vitest";
import { type BookLevel, KeyedBook, OrderBook } from "./order-book.js";

const side = fc.constantFrom("bid" as const, "ask" as const);
const price = fc.integer({ min: 1, max: 60 }).map((n) => n / 10);
const size = fc.integer({ min: 0, max: 4 });

/** A simple book to compare with, without regard to speed. */
class NaiveBook {
  readonly bid = new Map<number, number>();
  readonly ask = new Map<number, number>();

  set(name: "bid" | "ask", at: number, value: number): void {
    if (value === 0) this[name].delete(at);
    else this[name].set(at, value);
  }

  top(name: "bid" | "ask", count: number): BookLevel[] {
    const direction = name === "bid" ? -1 : 1;
    return [...this[name]].sort(([a], [b]) => direction * (a - b)).slice(0, count);
  }
}

test("[FR11] a book reflects its changes, whatever their order", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(side, price, size), { maxLength: 200 }), (changes) => {
      const book = new OrderBook();
      const naive = new NaiveBook();
      for (const [name, at, value] of changes) {
        book.set(name, at, value);
        naive.set(name, at, value);
        expect(book.bids.top(5)).toEqual(naive.top("bid", 5));
        expect(book.asks.top(5)).toEqual(naive.top("ask", 5));
        const [bid, ask] = [naive.top("bid", 1)[0]?.[0], naive.top("ask", 1)[0]?.[0]];
        expect(book.bids.bestPrice).toBe(bid);
        expect(book.asks.bestPrice).toBe(ask);
        expect(book.crossed).toBe(bid !== undefined && ask !== undefined && bid >= ask);
      }
      expect(book.bids.depth).toBe(naive.bid.size);
      for (const [at, value] of naive.ask) expect(book.asks.sizeOf(at)).toBe(value);
    }),
  );
});

test("[FR11] a snapshot replaces the book, in whatever order its levels come", () => {
  const levels = fc.uniqueArray(fc.tuple(price, fc.integer({ min: 1, max: 9 })), { selector: ([at]) => at });
  fc.assert(
    fc.property(levels, levels, (before, after) => {
      const book = new OrderBook();
      book.replace(before, before);
      book.replace(after, after);
      const rising = [...after].sort(([a], [b]) => a - b);
      expect(book.asks.top(100)).toEqual(rising);
      expect(book.bids.top(100)).toEqual([...rising].reverse());
    }),
  );
});

test("[FR11] uncrossing removes only the stale side's overlapping levels", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(side, price, size), { maxLength: 60 }), side, (changes, newer) => {
      const book = new OrderBook();
      for (const [name, at, value] of changes) book.set(name, at, value);
      const keeps = book.side(newer).top(100);
      const depth = book.bids.depth + book.asks.depth;
      const removed = book.uncross(newer);
      expect(book.crossed).toBe(false);
      expect(book.side(newer).top(100)).toEqual(keeps);
      expect(book.bids.depth + book.asks.depth).toBe(depth - removed);
    }),
  );
});

test("[IM12] a level identified by id keeps its price through updates without a price", () => {
  const book = new OrderBook();
  const keyed = new KeyedBook(book);
  keyed.insert(7, "ask", 20.5, 3);
  keyed.insert(8, "bid", 20, 5);
  expect(keyed.update(7, 9)).toBe(true);
  expect(book.asks.top(1)).toEqual([[20.5, 9]]);
  expect(keyed.delete(8)).toBe(true);
  expect(book.bids.depth).toBe(0);
  expect(keyed.update(8, 1)).toBe(false);
  expect(keyed.delete(99)).toBe(false);
});
