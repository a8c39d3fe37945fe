import { expect, test } from "vitest";
import { VenueClock } from "./venue-clock.js";

const epoch = 1_796_067_400_000;
const originNs = 1_721_347_022_764_000_000n;
const clock = new VenueClock({ epoch, originN: 40, originNs, simulated: false });

test("[VN20] [VN21] ids grow by two for each event, are whole numbers, and those of an epoch a millisecond later are greater", () => {
  expect(clock.idOf(41) - clock.idOf(40)).toBe(2);
  const later = new VenueClock({ epoch: epoch + 1, originN: 9_000, originNs, simulated: false });
  expect(later.idOf(9_000)).toBeGreaterThan(clock.idOf(40 + 2_047));
  expect(Number.isSafeInteger(later.idOf(2 ** 31))).toBe(true);
});

test("[VN20] on simulated tapes, which number each minute from a multiple of 2^20, ids grow as slowly as elsewhere", () => {
  const minute = 2 ** 20;
  const simulated = new VenueClock({ epoch, originN: 0, originNs, simulated: true });
  expect(simulated.idOf(minute + 1)).toBeGreaterThan(simulated.idOf(20_000));
  // At 1,000x a minute takes 60 ms.
  const next = new VenueClock({ epoch: epoch + 60, originN: 0, originNs, simulated: true });
  expect(next.idOf(0)).toBeGreaterThan(simulated.idOf(minute));
});

test("[VN22] the time of the epoch's first frame is that of the epoch, and times can be turned back", () => {
  expect(clock.timeOf(originNs)).toBe(epoch);
  expect(clock.timeOf(originNs + 1_500_000n)).toBe(epoch + 1);
  expect(clock.timeOf(clock.nsOf(epoch + 60_000))).toBe(epoch + 60_000);
});
