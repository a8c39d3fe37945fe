/** Seeds to look at while detectors are tuned. */
export const tuningSeeds: readonly number[] = Array.from({ length: 20 }, (_, n) => n + 1);

/**
 * Seeds kept away from tuning: a detector's thresholds were fixed before its results on these were looked at, so that the
 * results say something of markets it has not seen.
 */
export const heldOutSeeds: readonly number[] = [
  3_141_592_653, 2_718_281_828, 1_618_033_988, 1_414_213_562, 1_732_050_807, 2_236_067_977, 577_215_664, 915_965_594,
  1_202_056_903, 2_685_452_001,
];
