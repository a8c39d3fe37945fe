/** Reads the times of trades against that of their frame. Most of them lie in the same second, which is read only once. */
export class EventClock {
  #second = "";
  #secondMs = Number.NaN;

  /** Nanoseconds from the time `from` to the time `to`, both ISO 8601 in UTC; NaN where one of them is none. */
  between(from: string, to: string): number {
    const start = this.#read(from);
    const startFraction = fraction(from);
    return (this.#read(to) - start) * 1e6 + (fraction(to) - startFraction);
  }

  /** Milliseconds since 1970 of the whole second. */
  #read(text: string): number {
    const second = text.slice(0, 19);
    if (second !== this.#second) {
      this.#second = second;
      this.#secondMs = Date.parse(`${second}Z`);
    }
    return this.#secondMs;
  }
}

/** Nanoseconds beyond the whole second. */
function fraction(text: string): number {
  const digits = text.length - 21;
  if (digits <= 0) return 0;
  return Number(text.slice(20, -1)) * 10 ** (9 - digits);
}
