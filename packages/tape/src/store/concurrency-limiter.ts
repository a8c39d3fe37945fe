/** A task did not finish in time. It may still be running. */
export class TimeoutError extends Error {
  readonly code = "ETIMEDOUT";
}

/**
 * A deadline is three ticks of a timer and not a time on a clock: a process that was held up (SIGSTOP, a starved machine) has seen one
 * tick meanwhile, and must not give up a task for that.
 */
const deadlineTicks = 3;

/**
 * Runs so many tasks at a time, in the order in which they came, each with a deadline. A task that hangs is given up, and so are the
 * tasks that wait behind it; but it keeps its slot until it ends, however long that takes, so that hanging tasks never pile up.
 *
 * Not `p-limit`, which cannot remove a waiting task that was given up: while a store hangs, its queue would grow with every read. Not
 * `p-queue` or `p-timeout`, whose deadlines are wall time and free the slot of a hanging task.
 */
export class ConcurrencyLimiter {
  readonly #concurrency: number;
  readonly #deadlineMs: number;
  readonly #waiting = new Set<() => void>();
  #running = 0;
  #finished = 0;

  constructor(concurrency: number, deadlineMs: number) {
    this.#concurrency = concurrency;
    this.#deadlineMs = deadlineMs;
  }

  /** Rejects with `TimeoutError` after the deadline. A task that has not started by then never will. */
  run<T>(task: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      let ticks = 0;
      let finished = this.#finished;
      const start = (): void => {
        ticks = 0;
        this.#running++;
        const end = (): void => {
          clearInterval(timer);
          this.#running--;
          this.#finished++;
          this.#startNext();
        };
        task().then(resolve, reject).finally(end);
      };
      const onTick = (): void => {
        // While others finish, a waiting task is making progress.
        if (this.#waiting.has(start) && finished !== this.#finished) ticks = 0;
        finished = this.#finished;
        if (++ticks < deadlineTicks) return;
        clearInterval(timer);
        this.#waiting.delete(start);
        reject(new TimeoutError(`no answer within ${this.#deadlineMs} ms`));
      };
      const timer = setInterval(onTick, this.#deadlineMs / deadlineTicks);
      this.#waiting.add(start);
      this.#startNext();
    });
  }

  #startNext(): void {
    const [start] = this.#waiting;
    if (start === undefined || this.#running >= this.#concurrency) return;
    this.#waiting.delete(start);
    start();
  }
}
