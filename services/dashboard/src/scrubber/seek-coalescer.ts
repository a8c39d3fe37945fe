/**
 * Seeks while somebody drags: one at a time, and then straight to where they are by now. What lies between was not wanted.
 */
export class SeekCoalescer {
  #seek: (ms: number) => Promise<unknown>;
  #wanted: number | undefined;
  #busy = false;
  #idle: (() => void)[] = [];

  constructor(seek: (ms: number) => Promise<unknown>) {
    this.#seek = seek;
  }

  to(ms: number): void {
    this.#wanted = ms;
    if (!this.#busy) void this.#work();
  }

  /** Calls once all that was wanted is done. */
  whenIdle(then: () => void): void {
    if (this.#busy) this.#idle.push(then);
    else then();
  }

  async #work(): Promise<void> {
    this.#busy = true;
    while (this.#wanted !== undefined) {
      const ms = this.#wanted;
      this.#wanted = undefined;
      await this.#seek(ms);
    }
    this.#busy = false;
    for (const then of this.#idle.splice(0)) then();
  }
}
