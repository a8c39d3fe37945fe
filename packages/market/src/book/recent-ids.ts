/** Remembers the most recent ids, to detect repetitions in bounded memory. */
export class RecentIds<Id = number> {
  readonly #limit: number;
  readonly #ids = new Set<Id>();

  constructor(limit = 10_000) {
    this.#limit = limit;
  }

  has(id: Id): boolean {
    return this.#ids.has(id);
  }

  add(id: Id): void {
    this.#ids.add(id);
    if (this.#ids.size <= this.#limit) return;
    for (const oldest of this.#ids) {
      this.#ids.delete(oldest);
      return;
    }
  }
}
