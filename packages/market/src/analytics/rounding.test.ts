import { isoOfNs, type TimeDecimals } from "@tapedeck/protocol";
import fc from "fast-check";
import { expect, test } from "vitest";
import { EventClock } from "./features/trade-times.js";
import { NumberTexts, roundedOrZero } from "./rounding.js";

test("[AN2] a cached text equals the formatted number, within the range and beyond it", () => {
  const texts = new NumberTexts(-1, 3, 4);
  const check = (value: number) => {
    expect(texts.of(value)).toBe(String(roundedOrZero(value, 4)));
  };
  for (let n = -10_001; n <= 30_001; n++) check(n / 1e4);
  fc.assert(fc.property(fc.oneof(fc.double(), fc.double({ min: -1.1, max: 3.1, noNaN: true })), check));
  for (const value of [-0, 0, -1e-9, Number.NaN, Number.POSITIVE_INFINITY, Number.MAX_VALUE]) check(value);
});

test("[AN5] a trade's time is read to the nanosecond, and an invalid time is NaN", () => {
  const clock = new EventClock();
  const time = fc.bigInt({ min: 0n, max: 4_000_000_000_000_000_000n });
  const decimals = fc.constantFrom<TimeDecimals>(3, 6, 9);
  const far = 4_000_000_000_000n;
  fc.assert(
    fc.property(time, fc.bigInt({ min: -far, max: far }), decimals, (start, by, digits) => {
      const cut = (ns: bigint) => ns - (ns % 10n ** BigInt(9 - digits));
      const [from, to] = [cut(start + far), cut(start + far + by)];
      clock.start(isoOfNs(from, digits));
      expect(clock.at(isoOfNs(to, digits))).toBe(Number(to - from));
    }),
  );
  for (const text of ["", "yesterday", "2024-08-08T00:00:00.12xZ"]) expect(clock.at(text)).toBeNaN();
});
