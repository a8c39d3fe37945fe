/**
 * Seeds to look at while detectors are tuned. The first twenty alone told too little: thresholds that followed from them took some of their
 * chance for a rule.
 */
export const tuningSeeds: readonly number[] = Array.from({ length: 120 }, (_, n) => n + 1);

/**
 * Seeds kept away from tuning: a detector's thresholds were fixed before its results on these were looked at, so that the
 * results say something of markets it has not seen. Seeds whose results were looked at are used up: these are the fifth set, of
 * forty, since in twenty are some fifty incidents of a kind, of which four more or less are chance. So that nobody chose
 * them they are the first 400 decimals of the natural logarithm of 3.
 */
export const heldOutSeeds: readonly number[] = [
  986_122_886, 6_810_969_139, 5_245_236_922, 5_257_046_474, 9_055_782_274, 9_451_734_694, 3_336_374_942, 9_321_860_896,
  6_873_615_754, 8_137_320_887, 8_797_002_906, 5_957_865_742, 3_680_042_259, 3_051_982_105, 2_801_870_767,
  2_774_106_031, 6_276_918_338, 1_367_179_373, 6_988_443_609, 5_990_374_257, 316_795_911, 5_211_455_919, 1_775_067_134,
  7_054_940_166, 7_755_802_222, 317_025_294, 6_897_560_690, 1_065_215_056, 4_286_813_803, 6_317_373_298, 5_777_823_669,
  9_165_479_213, 1_818_149_020, 301_038_236, 3_012_224_865, 2_748_198_225, 9_910_974_524, 9_089_645_805, 3_467_008_845,
  9_650_857_484,
];
