/** Those who want to hear of one kind of event, called in the order in which they came. */
export class Listeners<T extends unknown[]> {
  readonly #all = new Set<(...event: T) => void>();

  /** @returns the undo */
  add(listener: (...event: T) => void): () => void {
    // A wrapper of its own, so that a function which was added twice is called twice and taken back once at a time.
    const entry = (...event: T) => listener(...event);
    this.#all.add(entry);
    return () => {
      this.#all.delete(entry);
    };
  }

  /** One that throws does not keep the others from hearing: its error goes where uncaught ones go. */
  emit(...event: T): void {
    for (const listener of this.#all) {
      try {
        listener(...event);
      } catch (error) {
        reportError(error);
      }
    }
  }

  clear(): void {
    this.#all.clear();
  }
}

/** As an uncaught exception of its own, whatever the platform does with these: neither lost nor in the way of the next frame. */
function reportError(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
