/** Something with bytes to write when the current wake-up of the process ends. */
export interface Pending {
  flush(): void;
}

/**
 * Collects what one chunk from Redis, or one turn of work, has for the sockets, so that each gets it in one write.
 * `nextTick` runs when the read that brought the chunk is done with, before anything else does.
 */
export class WakeUp {
  #pending: Pending[] = [];
  readonly #flush = (): void => {
    const pending = this.#pending;
    this.#pending = [];
    for (const one of pending) one.flush();
  };

  // HOT: once per socket and wake-up.
  add(one: Pending): void {
    if (this.#pending.push(one) === 1) process.nextTick(this.#flush);
  }
}
