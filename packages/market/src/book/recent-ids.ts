/** Remembers the most recent ids, to detect repetitions in bounded memory. */
export class RecentIds<Id = number> {
  readonly #limit: number;
  readonly #ids = new Set<Id>();
  /** The ids in the order in which they came. Asking the set for its oldest would pass over all that were deleted before it. */
  readonly #order: Id[] = [];
  /** Place of the oldest once there are as many as the limit. */
  #oldest = 0;

  constructor(limit = 10_000) {
    this.#limit = limit;
  }

  has(id: Id): boolean {
    return this.#ids.has(id);
  }

  // HOT: once per message of an import.
  add(id: Id): void {
    if (this.#ids.has(id)) return;
    this.#ids.add(id);
    const oldest = this.#order[this.#oldest];
    if (this.#order.length < this.#limit || oldest === undefined) {
      this.#order.push(id);
      return;
    }
    this.#ids.delete(oldest);
    this.#order[this.#oldest] = id;
    this.#oldest = (this.#oldest + 1) % this.#limit;
  }
}
