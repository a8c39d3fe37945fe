/**
 * Logarithm, exponential and normal quantile from `+ - * /` and square root alone, which IEEE 754 specifies to the last bit. The
 * functions of `Math` may differ in their last bits between engines or their versions, but a simulated market must be the same byte
 * for byte on any node.
 */

const { LN2: ln2, SQRT2: squareRootOf2 } = Math;
const bits = new DataView(new ArrayBuffer(8));

/** Natural logarithm of a normal number above 0, to about 1e-15. */
export function ln(x: number): number {
  bits.setFloat64(0, x);
  const high = bits.getUint32(0);
  let exponent = ((high >>> 20) & 0x7ff) - 1023;
  bits.setUint32(0, (high & 0x000f_ffff) | 0x3ff0_0000);
  let mantissa = bits.getFloat64(0); // from 1 to below 2
  if (mantissa > squareRootOf2) {
    mantissa /= 2;
    exponent++;
  }
  const s = (mantissa - 1) / (mantissa + 1);
  const square = s * s;
  let sum = 0;
  for (let n = 21; n >= 1; n -= 2) sum = sum * square + 1 / n;
  return 2 * s * sum + exponent * ln2;
}

/** e to the power of x, for |x| below 700. */
export function exp(x: number): number {
  const twos = Math.floor(x / ln2 + 0.5);
  const rest = x - twos * ln2;
  let sum = 1;
  for (let n = 13; n >= 1; n--) sum = 1 + (sum * rest) / n;
  bits.setUint32(0, (twos + 1023) << 20);
  bits.setUint32(4, 0);
  return sum * bits.getFloat64(0);
}

/**
 * The quantile p of the standard normal distribution, 0 < p < 1. P. J. Acklam's rational approximation;
 * relative error below 1.2e-9.
 */
export function normalQuantile(p: number): number {
  if (p < 0.024_25) return tail(p);
  if (p > 0.975_75) return -tail(1 - p);
  const q = p - 0.5;
  const r = q * q;
  const above =
    ((((-39.696_830_286_653_76 * r + 220.946_098_424_520_5) * r - 275.928_510_446_968_7) * r + 138.357_751_867_269) *
      r -
      30.664_798_066_147_16) *
      r +
    2.506_628_277_459_239;
  const below =
    ((((-54.476_098_798_224_06 * r + 161.585_836_858_040_9) * r - 155.698_979_859_886_6) * r + 66.801_311_887_719_72) *
      r -
      13.280_681_552_885_72) *
      r +
    1;
  return (above * q) / below;
}

function tail(p: number): number {
  const q = Math.sqrt(-2 * ln(p));
  const above =
    ((((-0.007_784_894_002_430_293 * q - 0.322_396_458_041_136_5) * q - 2.400_758_277_161_838) * q -
      2.549_732_539_343_734) *
      q +
      4.374_664_141_464_968) *
      q +
    2.938_163_982_698_783;
  const below =
    (((0.007_784_695_709_041_462 * q + 0.322_467_129_070_039_8) * q + 2.445_134_137_142_996) * q +
      3.754_408_661_907_416) *
      q +
    1;
  return above / below;
}
