import { RunningMean } from "./own-scale.js";

/** How much more than usual a second is learned as, at most: what is suspected is not to become usual. */
const mostTimes = 6;

/** What the mid usually moves in a second: the mean |change| over whole seconds of the last five minutes, in price units. */
export class UsualMove {
  readonly #mean = new RunningMean(300);
  #ns = Number.NaN;
  #mid = 0;

  /** 0 before some seconds of past. */
  get value(): number {
    return this.#mean.count >= 20 ? this.#mean.mean : 0;
  }

  note(ns: number, mid: number): void {
    const seconds = (ns - this.#ns) / 1e9;
    if (seconds < 1) return;
    if (seconds >= 1 && seconds < 10) {
      const move = Math.abs(mid - this.#mid) / Math.sqrt(seconds);
      const { mean, count } = this.#mean;
      this.#mean.note(count >= 20 && mean > 0 ? Math.min(move, mostTimes * mean) : move);
    }
    this.#ns = ns;
    this.#mid = mid;
  }

  /** What comes next is not compared with what came before. */
  restart(): void {
    this.#ns = Number.NaN;
  }
}
