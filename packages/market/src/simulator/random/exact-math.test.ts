import fc from "fast-check";
import { expect, test } from "vitest";
import { exp, ln, normalQuantile } from "./exact-math.js";

const positive = fc.double({ min: 1e-9, max: 1e9, noNaN: true });

test("[SM10] logarithm and exponential agree with the engine's to 1e-13", () => {
  fc.assert(
    fc.property(positive, (x) => {
      expect(Math.abs(ln(x) - Math.log(x))).toBeLessThan(1e-13 * Math.max(1, Math.abs(Math.log(x))));
      const power = Math.log(x);
      expect(Math.abs(exp(power) / Math.exp(power) - 1)).toBeLessThan(1e-13);
    }),
  );
  expect([ln(1), exp(0)]).toEqual([0, 1]);
});

test("[SM10] the normal quantile matches known values", () => {
  const known = [
    [0.5, 0],
    [0.841_344_746_068_543, 1],
    [0.977_249_868_051_821, 2],
    [0.001_349_898_031_630_09, -3],
    [2.866_515_718_791_94e-7, -5],
  ];
  for (const [p = 0, z = 0] of known) expect(normalQuantile(p)).toBeCloseTo(z, 7);
});
