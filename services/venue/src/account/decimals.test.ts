import fc from "fast-check";
import { expect, test } from "vitest";
import { compared, decimalsOf, negated, product, quotient, sum, unitsOf, withDecimals } from "./decimals.js";

test("[VK12] decimals in messages are exact", () => {
  expect(product("28134.70", "0.001")).toBe("28.1347");
  expect(sum("0.1", "0.2", "-0.3")).toBe("0");
  expect(sum("-0.05", "0.01")).toBe("-0.04");
  expect(quotient("100", "3", 4)).toBe("33.3333");
  expect(quotient("-1", "8", 2)).toBe("-0.12");
  expect(quotient("1", "0", 4)).toBe("0");
  expect([withDecimals("1.5", 8), withDecimals("1.123456789", 8), withDecimals("-2", 2)]).toEqual([
    "1.50000000",
    "1.123456789",
    "-2.00",
  ]);
  expect([decimalsOf("1.500"), decimalsOf("3"), unitsOf("1.50", 3), unitsOf("1.5001", 3)]).toEqual([
    1,
    0,
    1500,
    undefined,
  ]);
  expect([negated("1"), negated("-1"), negated("0.00"), compared("1.10", "1.1"), compared("-2", "1")]).toEqual([
    "-1",
    "1",
    "0.00",
    0,
    -1,
  ]);
});

test("[VK12] sums and products are those of integers", () => {
  const decimal = fc.tuple(fc.bigInt({ min: -(10n ** 18n), max: 10n ** 18n }), fc.integer({ min: 0, max: 12 }));
  const text = ([units, decimals]: [bigint, number]) => {
    const digits = `${units < 0n ? -units : units}`.padStart(decimals + 1, "0");
    const whole = digits.slice(0, digits.length - decimals);
    return `${units < 0n ? "-" : ""}${whole}${decimals === 0 ? "" : `.${digits.slice(-decimals)}`}`;
  };
  const units = (given: string, decimals: number) => {
    const [whole = "", fraction = ""] = given.replace("-", "").split(".");
    return BigInt(whole + fraction.padEnd(decimals, "0")) * (given.startsWith("-") ? -1n : 1n);
  };
  fc.assert(
    fc.property(decimal, decimal, (a, b) => {
      const decimals = Math.max(a[1], b[1]);
      const total = a[0] * 10n ** BigInt(decimals - a[1]) + b[0] * 10n ** BigInt(decimals - b[1]);
      expect(units(sum(text(a), text(b)), decimals)).toBe(total);
      expect(units(product(text(a), text(b)), a[1] + b[1])).toBe(a[0] * b[0]);
    }),
  );
});
