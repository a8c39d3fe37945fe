/**
 * Seeks while somebody drags: one at a time, and then straight to where they are by now. What lies between was not wanted.
 */
export class Seeker {
  #seek: (ms: number) => Promise<unknown>;
  #wanted: number | undefined;
  #busy = false;

  constructor(seek: (ms: number) => Promise<unknown>) {
    this.#seek = seek;
  }

  to(ms: number): void {
    this.#wanted = ms;
    if (!this.#busy) void this.#work();
  }

  async #work(): Promise<void> {
    this.#busy = true;
    while (this.#wanted !== undefined) {
      const ms = this.#wanted;
      this.#wanted = undefined;
      await this.#seek(ms);
    }
    this.#busy = false;
  }
}
