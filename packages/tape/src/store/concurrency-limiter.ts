/** What has not been answered in time. It may still be under way. */
export class TimeoutError extends Error {
  readonly code = "ETIMEDOUT";
}

/** Time is told by so many looks: a process that was held up for long has looked once meanwhile, and gives nothing up for that. */
const looks = 3;

/**
 * Work of which only so much is done at a time. What hangs is given up after a time, and so is what waits behind it, but keeps
 * its place until it ends, however long that takes.
 */
export class ConcurrencyLimiter {
  readonly #atOnce: number;
  readonly #withinMs: number;
  readonly #waiting = new Set<() => void>();
  #underWay = 0;
  #ended = 0;

  constructor(atOnce: number, withinMs: number) {
    this.#atOnce = atOnce;
    this.#withinMs = withinMs;
  }

  /** Rejects with `NotInTime` where that is how it goes; what has not begun by then never does. */
  run<T>(work: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      let inVain = 0;
      let ended = this.#ended;
      const begin = (): void => {
        inVain = 0;
        this.#underWay++;
        const done = (): void => {
          clearInterval(timer);
          this.#underWay--;
          this.#ended++;
          this.#next();
        };
        work().then(resolve, reject).finally(done);
      };
      const look = (): void => {
        if (this.#waiting.has(begin) && ended !== this.#ended) inVain = 0; // others had their turns
        ended = this.#ended;
        if (++inVain < looks) return;
        clearInterval(timer);
        this.#waiting.delete(begin);
        reject(new TimeoutError(`no answer within ${this.#withinMs} ms`));
      };
      const timer = setInterval(look, this.#withinMs / looks);
      this.#waiting.add(begin);
      this.#next();
    });
  }

  #next(): void {
    const [begin] = this.#waiting;
    if (begin === undefined || this.#underWay >= this.#atOnce) return;
    this.#waiting.delete(begin);
    begin();
  }
}
