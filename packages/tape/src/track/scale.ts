import { Decimals } from "@tapedeck/market";

/** A double has this many decimal digits for certain. */
const digits = 15;

/** How many decimals the prices or sizes of an instrument need, and can have, as integers of 64 bits that came from doubles. */
export class Scale {
  readonly #seen = new Decimals();
  #largest = 0;

  // HOT: once per level of an imported update.
  add(value: number): void {
    this.#seen.add(value);
    const size = Math.abs(value);
    if (size > this.#largest) this.#largest = size;
  }

  /** As many as values so far have, as far as they fit. */
  get decimals(): number {
    return Math.min(this.#seen.count, this.most);
  }

  /** Whether all values so far have no more than 15 digits. */
  get exact(): boolean {
    return this.#seen.count <= this.most;
  }

  /** How many the largest value so far leaves room for. */
  get most(): number {
    const whole = this.#largest < 1 ? 0 : Math.floor(Math.log10(this.#largest)) + 1;
    return Math.max(0, digits - whole);
  }
}
