/** Something that keeps frames back for a moment. */
export interface Holding {
  /** On the monotonic clock. */
  readonly heldUntilMs: number;
  release(): void;
}

/** How late what is held back may go out. */
const lookMs = 5;

/** All that is held back in this process. One timer for all, which runs only while there is anything. */
export class HeldBack {
  readonly #all = new Set<Holding>();
  #timer: NodeJS.Timeout | undefined;

  add(one: Holding): void {
    this.#all.add(one);
    this.#timer ??= setInterval(this.#look, lookMs);
  }

  delete(one: Holding): void {
    this.#all.delete(one);
  }

  readonly #look = (): void => {
    const now = performance.now();
    for (const one of this.#all) if (one.heldUntilMs <= now) one.release();
    if (this.#all.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  };
}
