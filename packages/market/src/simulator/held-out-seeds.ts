/** Seeds to look at while detectors are tuned. */
export const tuningSeeds: readonly number[] = Array.from({ length: 20 }, (_, n) => n + 1);

/**
 * Seeds kept away from tuning: a detector's thresholds were fixed before its results on these were looked at, so that the
 * results say something of markets it has not seen. Seeds whose results were looked at are used up: these are the second set.
 */
export const heldOutSeeds: readonly number[] = [
  4_669_201_609, 2_502_907_875, 1_324_717_957, 1_606_695_152, 1_705_211_140, 2_622_057_554, 1_186_569_110,
  3_275_822_918, 2_295_587_149, 1_456_074_948,
];
