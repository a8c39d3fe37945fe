/** Closes the frames of all recordings in this process at whole multiples of the interval on the cluster's clock. */
export class FrameClock {
  readonly #intervalMs: number;
  readonly #now: () => number;
  readonly #callbacks = new Set<() => void>();
  #timer: NodeJS.Timeout | undefined;

  /** @param now milliseconds since 1970 on the cluster's clock */
  constructor(intervalMs: number, now: () => number) {
    this.#intervalMs = intervalMs;
    this.#now = now;
  }

  /** Calls `close` at the end of each interval until the returned function is called. */
  onInterval(close: () => void): () => void {
    this.#callbacks.add(close);
    this.#timer ??= this.#schedule();
    return () => {
      this.#callbacks.delete(close);
      if (this.#callbacks.size > 0) return;
      clearTimeout(this.#timer);
      this.#timer = undefined;
    };
  }

  #schedule(): NodeJS.Timeout {
    const remainingMs = this.#intervalMs - (this.#now() % this.#intervalMs);
    // A timer that fired a little early, or a clock that was set back a little, must not end an interval twice.
    const waitMs = remainingMs < this.#intervalMs / 4 ? remainingMs + this.#intervalMs : remainingMs;
    return setTimeout(() => {
      this.#timer = this.#schedule();
      for (const close of this.#callbacks) close();
    }, waitMs);
  }
}
