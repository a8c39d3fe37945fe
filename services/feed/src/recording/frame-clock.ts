/** Closes the frames of all recordings of this process, at whole multiples of the interval on the cluster's clock. */
export class FrameClock {
  readonly #intervalMs: number;
  readonly #now: () => number;
  readonly #closes = new Set<() => void>();
  #timer: NodeJS.Timeout | undefined;

  /** @param now milliseconds since 1970 on the cluster's clock */
  constructor(intervalMs: number, now: () => number) {
    this.#intervalMs = intervalMs;
    this.#now = now;
  }

  /** Calls `close` at the end of each interval until the returned function is called. */
  onInterval(close: () => void): () => void {
    this.#closes.add(close);
    this.#timer ??= this.#wait();
    return () => {
      this.#closes.delete(close);
      if (this.#closes.size > 0) return;
      clearTimeout(this.#timer);
      this.#timer = undefined;
    };
  }

  #wait(): NodeJS.Timeout {
    const leftMs = this.#intervalMs - (this.#now() % this.#intervalMs);
    // A timer that fired a little early, or a clock that was set back a little, must not end an interval twice.
    const waitMs = leftMs < this.#intervalMs / 4 ? leftMs + this.#intervalMs : leftMs;
    return setTimeout(() => {
      this.#timer = this.#wait();
      for (const close of this.#closes) close();
    }, waitMs);
  }
}
