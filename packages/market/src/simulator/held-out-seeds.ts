/**
 * Seeds to look at while detectors are tuned. The first twenty alone told too little: thresholds that followed from them took some of their
 * chance for a rule.
 */
export const tuningSeeds: readonly number[] = Array.from({ length: 120 }, (_, n) => n + 1);

/**
 * Seeds kept away from tuning: a detector's thresholds were fixed before its results on these were looked at, so that the
 * results say something of markets it has not seen. Seeds whose results were looked at are used up: these are the fourth set, and
 * twice as many as the third, which held some fifty incidents of a kind, of which four more or less are chance. So that nobody chose
 * them they are the first 400 decimals of the natural logarithm of 2.
 */
export const heldOutSeeds: readonly number[] = [
  6_931_471_805, 5_994_530_941, 7_232_121_458, 1_765_680_755, 13_436_025, 5_254_120_680, 94_933_936, 2_196_969_471,
  5_605_863_326, 9_964_186_875, 4_200_148_102, 570_685_733, 6_855_202_357, 5_813_055_703, 2_670_751_635, 759_619_307,
  2_757_082_837, 1_435_190_307, 386_238_916, 7_347_112_335, 115_364_497, 9_552_391_204, 7_517_268_157, 4_932_065_155,
  5_247_341_395, 2_588_295_045, 3_007_095_326, 3_666_426_541, 423_915_781, 4_952_043_740, 4_303_855_008, 194_417_064,
  1_671_518_644, 7_128_399_681, 7_178_454_695, 7_026_271_631, 645_461_502, 5_720_740_248, 1_637_773_389, 6_385_506_952,
];
