/** Lets a loop wait for a time, or for something that happens before. */
export class Waker {
  #woken = false;
  #wake: (() => void) | undefined;

  /** Ends the present wait, or the next one at once. */
  wake(): void {
    this.#woken = true;
    this.#wake?.();
  }

  /** Resolves after `ms`, or when it is woken. */
  within(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(done, ms);
      const waker = this;
      function done(): void {
        clearTimeout(timer);
        waker.#woken = false;
        waker.#wake = undefined;
        resolve();
      }
      this.#wake = done;
      if (this.#woken) done();
    });
  }
}
