/** Events per second, counted by whole seconds. */
export class Rate {
  #second = 0;
  #count = 0;
  #before = 0;

  /** HOT: once per frame. @param now milliseconds */
  count(now: number): void {
    this.#turn(now);
    this.#count++;
  }

  /** Of the last full second. */
  perSecond(now: number): number {
    this.#turn(now);
    return this.#before;
  }

  #turn(now: number): void {
    const second = Math.floor(now / 1000);
    if (second === this.#second) return;
    this.#before = second === this.#second + 1 ? this.#count : 0;
    this.#second = second;
    this.#count = 0;
  }
}
