import fc from "fast-check";
import { expect, test } from "vitest";
import { isoOfMs, isoOfNs, isoTime, nsOfIso } from "./time.js";

const year10000 = 253_402_300_800_000_000_000n;

test("[P5] a time with nine decimals is parsed and formatted without loss", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: year10000 - 1n }), (ns) => {
      expect(nsOfIso(isoOfNs(ns, 9))).toBe(ns);
    }),
  );
});

test("[P5] decimals are truncated, never rounded up to the next second", () => {
  expect(isoOfNs(1_999_999_999n, 3)).toBe("1970-01-01T00:00:01.999Z");
  expect(isoOfNs(1_999_999_999n, 6)).toBe("1970-01-01T00:00:01.999999Z");
});

test("[P5] wall times have milliseconds and end in Z", () => {
  expect(isoOfMs(1_723_161_255_123)).toBe("2024-08-08T23:54:15.123Z");
});

test.each([
  "2024-08-08",
  "2024-08-08T23:54:15",
  "2024-08-08T23:54:15+02:00",
  "2024-02-30T00:00:00Z",
  "2024-01-01T24:00:00Z",
  "2024-01-01T00:00:00.1234567890Z",
  "yesterday",
])("[P5] %s is no time", (text) => {
  expect(isoTime.safeParse(text).success).toBe(false);
  expect(nsOfIso(text)).toBeUndefined();
});
