/** More decimals than this are float noise, not the source's. */
const most = 12;

/** Numbers of 15 digits are exact. */
const exactUnits = 1e15;

/** `10 ** n` from a table, since `Math.pow` is not exact for every n. */
const powers = Array.from({ length: most + 1 }, (_, n) => Number(`1e${n}`));

function power(n: number): number {
  return powers[n] ?? Number(`1e${n}`);
}

/** The double nearest to `value` rounded to `decimals`, or to 15 digits if it would have more: prints without float noise. */
export function rounded(value: number, decimals: number): number {
  const scale = power(decimals);
  const units = Math.round(value * scale);
  const result = Math.abs(units) < exactUnits ? units / scale : Number(value.toPrecision(15));
  return result === 0 ? 0 : result; // never -0
}

/** The most decimals of the numbers seen so far (trailing zeros don't count). */
export class Decimals {
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** Takes over what another one has seen. */
  setTo(other: Decimals): void {
    this.#count = other.#count;
  }

  // HOT: once per level of an imported book.
  add(value: number): void {
    while (this.#count < most) {
      const scale = power(this.#count);
      if (Math.round(value * scale) / scale === value) return;
      this.#count++;
    }
  }
}

/**
 * An instrument's tick size, learned from its prices: the greatest common divisor of all prices so far. One side of an ordinary
 * book is enough to learn it.
 */
export class PriceGrid {
  readonly #decimals = new Decimals();
  /** The tick in units of the last decimal; 0 before the first price. */
  #units = 0;

  get decimals(): number {
    return this.#decimals.count;
  }

  /** Takes over what another one has seen. */
  setTo(other: PriceGrid): void {
    this.#decimals.setTo(other.#decimals);
    this.#units = other.#units;
  }

  /** Price units; one unit of the last decimal before the first price. */
  get tick(): number {
    return (this.#units || 1) / power(this.decimals);
  }

  /**
   * A tick for stepping away from `price`: the grid's, or a tenth, a hundredth, ... of it if forty steps would reach zero, but at
   * least one unit of the 14th digit of `furthest`: steps of a smaller one would be rounded to the same price.
   *
   * @param furthest the price furthest from zero that steps begin at
   */
  stepsFrom(price: number, furthest = Math.abs(price)): { tick: number; decimals: number } {
    let { decimals, tick } = this;
    // Decimals up to the 14th digit; negative if that digit is before the point.
    const room = 13 - Math.floor(Math.log10(Math.max(1, furthest)));
    if (decimals > room) return { tick: power(-room), decimals: Math.max(0, room) };
    while (tick * 40 > Math.abs(price) && decimals < Math.min(most, room)) {
      decimals++;
      tick = (this.#units || 1) / power(this.decimals) / power(decimals - this.decimals);
    }
    return { tick, decimals };
  }

  // HOT: once per level of an imported book.
  add(price: number): void {
    const before = this.#decimals.count;
    this.#decimals.add(price);
    const after = this.#decimals.count;
    if (after !== before) this.#units *= power(after - before);
    const units = Math.round(Math.abs(price) * power(after));
    if (this.#units === 0 || units % this.#units !== 0) this.#units = commonDivisor(units, this.#units);
  }
}

function commonDivisor(a: number, b: number): number {
  let [x, y] = [a, b];
  while (y !== 0) [x, y] = [y, x % y];
  return x;
}
