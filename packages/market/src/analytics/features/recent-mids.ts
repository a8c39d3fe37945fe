/** The mids of the last seconds, at most so many of them, oldest first. */
export class RecentMids {
  readonly #spanNs: number;
  readonly #ns: Float64Array;
  readonly #mids: Float64Array;
  #first = 0;
  #count = 0;

  constructor(spanNs: number, most: number) {
    this.#spanNs = spanNs;
    this.#ns = new Float64Array(most);
    this.#mids = new Float64Array(most);
  }

  get count(): number {
    return this.#count;
  }

  add(ns: number, mid: number): void {
    const size = this.#ns.length;
    while (this.#count > 0 && (this.#count === size || ns - this.nsAt(0) > this.#spanNs)) {
      this.#first = this.#place(1);
      this.#count--;
    }
    const at = this.#place(this.#count);
    this.#ns[at] = ns;
    this.#mids[at] = mid;
    this.#count++;
  }

  clear(): void {
    this.#count = 0;
  }

  nsAt(place: number): number {
    return this.#ns[this.#place(place)] ?? 0;
  }

  midAt(place: number): number {
    return this.#mids[this.#place(place)] ?? 0;
  }

  /** Where in the ring it lies: `place` is at most the ring's size. */
  #place(place: number): number {
    const at = this.#first + place;
    return at < this.#ns.length ? at : at - this.#ns.length;
  }
}
