/** One seek at a time while the user drags. When it is done, the next one goes to the newest place and skips those in between. */
export class SeekCoalescer {
  #seek: (ms: number) => Promise<unknown>;
  #target: number | undefined;
  #running = false;
  #onIdle: (() => void)[] = [];

  constructor(seek: (ms: number) => Promise<unknown>) {
    this.#seek = seek;
  }

  to(ms: number): void {
    this.#target = ms;
    if (!this.#running) void this.#run();
  }

  /** Calls back once all seeks are done. */
  whenIdle(callback: () => void): void {
    if (this.#running) this.#onIdle.push(callback);
    else callback();
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#target !== undefined) {
      const ms = this.#target;
      this.#target = undefined;
      await this.#seek(ms);
    }
    this.#running = false;
    for (const callback of this.#onIdle.splice(0)) callback();
  }
}
