import fc from "fast-check";
import { expect, test } from "vitest";
import { Decimals, PriceGrid, rounded } from "./decimals.js";

test("[FR1] rounding gives the double of the decimal text", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1e9 }), fc.integer({ min: 0, max: 6 }), (units, decimals) => {
      const exact = Number(`${units}e-${decimals}`);
      const noise = exact * 1e-15 * 3;
      expect(rounded(exact + noise, decimals)).toBe(exact);
    }),
  );
  expect(rounded(0.1 + 0.2, 8)).toBe(0.3);
  expect(Object.is(rounded(-1e-9, 3), 0)).toBe(true);
});

test("[FR1] the decimals of numbers are those of their text", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.integer({ min: 1, max: 1e7 }), fc.integer({ min: 0, max: 8 }))), (numbers) => {
      const seen = new Decimals();
      let most = 0;
      for (const [units, decimals] of numbers) {
        seen.add(Number(`${units}e-${decimals}`));
        const text = (units / 10 ** decimals).toFixed(decimals).replace(/\.?0+$/, "");
        most = Math.max(most, text.split(".")[1]?.length ?? 0);
      }
      expect(seen.count).toBe(most);
    }),
  );
});

test("[FR4] the tick is the greatest common divisor of all prices", () => {
  const grid = new PriceGrid();
  for (const price of [32_500.5, 32_501, 32_510.5]) grid.add(price);
  expect(grid.tick).toBe(0.5);
  grid.add(32_510.25);
  expect(grid.tick).toBe(0.25);
  const shares = new PriceGrid();
  for (const price of [585.33, 585.94, 585.98]) shares.add(price);
  expect(shares.tick).toBe(0.01);
});
