import fc from "fast-check";
import { expect, test } from "vitest";
import type { BookLevel } from "../book/order-book.js";
import { PriceGrid } from "./decimals.js";
import { type FrameLevels, padLevels } from "./frame-levels.js";

/** What a frame shows of a book with these prices, each side best first. @param earlier prices that the book no longer has */
function padded(bids: readonly number[], asks: readonly number[], mid: number, earlier: readonly number[] = []) {
  const grid = new PriceGrid();
  for (const price of [...earlier, ...bids, ...asks]) grid.add(price);
  const levels = (prices: readonly number[]) => prices.map((price): BookLevel => [price, 1]);
  return padLevels({ bids: levels(bids), asks: levels(asks) }, grid, mid);
}

/** Ten levels a side, each further from the mid than the one before, without float noise. */
function expectOutward({ bids, asks }: FrameLevels): void {
  for (const side of [bids, asks]) expect(side.length).toBeGreaterThanOrEqual(10);
  const prices = [...bids.map(([price]) => price).reverse(), ...asks.map(([price]) => price)];
  expect(prices).toEqual([...new Set(prices)].sort((a, b) => a - b));
  expect(prices).toEqual(prices.map((price) => Number(price.toPrecision(15))));
}

test("[FR4] steps lead outward from a price with more decimals than they have", () => {
  const { bids, asks } = padded([100], [100.01, 14_443_478.0951245], 100.005, [1e-9]);
  expectOutward({ bids, asks });
  expect(asks.slice(0, 4).map(([price]) => price)).toEqual([
    100.01, 14_443_478.0951245, 14_443_478.095126, 14_443_478.095127,
  ]);
});

test("[FR4] steps from a large price around a mid of zero are no smaller than its digits", () => {
  expectOutward(padded([-10_000_001], [10_000_001, 10_000_002], 0));
});

test("[FR4] steps from a whole number of more than 15 digits lead to other prices", () => {
  expectOutward(padded([2, 1], [1e17], 5e16));
});

test("[FR4] a side is padded outward whatever the prices", () => {
  const price = fc
    .tuple(fc.integer({ min: -999_999_999_999_999, max: 999_999_999_999_999 }), fc.integer({ min: -12, max: 3 }))
    .map(([units, exponent]) => Number(`${units}e${exponent}`));
  const book = fc.record({
    prices: fc.uniqueArray(price, { minLength: 2, maxLength: 12 }).map((all) => all.sort((a, b) => a - b)),
    split: fc.double({ min: 0, max: 1, noNaN: true }),
    earlier: fc.array(price, { maxLength: 3 }),
    shown: fc.constantFrom("both", "bids", "asks", "neither"),
    lastMid: fc.option(price, { nil: undefined }),
  });
  fc.assert(
    fc.property(book, ({ prices, split, earlier, shown, lastMid }) => {
      const best = Math.min(prices.length - 2, Math.floor(split * (prices.length - 1)));
      const [bid = 0, ask = 0] = prices.slice(best);
      const bids = shown === "both" || shown === "bids" ? prices.slice(0, best + 1).reverse() : [];
      const asks = shown === "both" || shown === "asks" ? prices.slice(best + 1) : [];
      const mid = shown === "both" ? undefined : lastMid;
      expectOutward(padded(bids, asks, mid ?? (bid + ask) / 2, [bid, ask, ...earlier]));
    }),
    { numRuns: 300 },
  );
});
