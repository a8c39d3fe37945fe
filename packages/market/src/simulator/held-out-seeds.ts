/** Seeds to look at while detectors are tuned. */
export const tuningSeeds: readonly number[] = Array.from({ length: 20 }, (_, n) => n + 1);

/**
 * Seeds kept away from tuning: a detector's thresholds were fixed before its results on these were looked at, so that the
 * results say something of markets it has not seen. Seeds whose results were looked at are used up: these are the third set, and
 * as many as those for tuning, since ten held some thirty incidents of a kind, of which three more or less are chance. So that
 * nobody chose them they are the first 200 digits of Euler's constant.
 */
export const heldOutSeeds: readonly number[] = [
  5_772_156_649, 153_286_060, 6_512_090_082, 4_024_310_421, 5_933_593_992, 3_598_805_767, 2_348_848_677, 2_677_766_467,
  936_947_063, 2_917_467_495, 1_463_144_724, 9_807_082_480, 9_605_040_144, 8_654_283_622, 4_173_997_644, 9_235_362_535,
  33_374_293, 7_337_737_673, 9_427_925_952, 5_824_709_491,
];
