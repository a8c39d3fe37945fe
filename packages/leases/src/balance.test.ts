import fc from "fast-check";
import { expect, test } from "vitest";
import { fairShare } from "./balance.js";

test("[LS7] a worker within a tenth and two sessions of the mean keeps what it has", () => {
  expect(fairShare(10, [10, 10])).toEqual({ mean: 10, surplus: 0 });
  expect(fairShare(113, [87, 100])).toMatchObject({ surplus: 13 });
  expect(fairShare(112, [88, 100])).toEqual({ mean: 100, surplus: 0 });
  expect(fairShare(1, [0, 0, 0])).toMatchObject({ surplus: 0 });
});

test("[LS7] what is handed back is what is above the mean, never more; alone, a worker keeps all", () => {
  const load = fc.nat({ max: 5000 });
  fc.assert(
    fc.property(load, fc.array(load, { maxLength: 20 }), (own, others) => {
      const { mean, surplus } = fairShare(own, others);
      expect(surplus).toBeGreaterThanOrEqual(0);
      if (surplus > 0) expect(own - surplus).toBe(mean);
      if (others.length === 0) expect(surplus).toBe(0);
    }),
  );
});
