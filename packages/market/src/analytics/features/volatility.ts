import { RecentRate, RunningMean } from "../running-statistics.js";

/**
 * Realised volatility of the mid: sqrt(sum r^2 / sum dt), r the log return from frame to frame, in basis points per square root
 * of a second (Andersen, Bollerslev, Diebold and Labys 2003, "Modeling and forecasting realized volatility"; weights decay by
 * e^(-age / tau)). 0 while the price does not move.
 */
export class Volatility {
  readonly #squares: RecentRate;

  constructor(tau: number) {
    this.#squares = new RecentRate(tau);
  }

  setTo(other: Volatility): void {
    this.#squares.setTo(other.#squares);
  }

  /** Basis points per square root of a second. */
  get value(): number {
    return 1e4 * Math.sqrt(this.#squares.rate);
  }

  update(seconds: number, midBefore: number, mid: number): void {
    const squared = midBefore > 0 && mid > 0 ? Math.log(mid / midBefore) ** 2 : 0;
    this.#squares.add(seconds, squared);
  }
}

/** Cap of a second's move when learning, as a multiple of the typical one: anomalies must not become typical. */
const mostTimes = 5;
/** Seconds of data before there is a typical move. */
const leastSeconds = 60;
/** Root mean square by mean absolute value of a normal variable. */
const rmsOfMean = Math.sqrt(Math.PI / 2);

/**
 * The typical move of the mid in a second, in price units: the root mean square of its changes over whole seconds of the last five
 * minutes, scaled to equal the mean |change| of a normal distribution. With fat tails it exceeds that mean, as it should: large
 * moves are then less unusual.
 */
export class TypicalMove {
  readonly #squares = new RunningMean(300);
  #ns = Number.NaN;
  #mid = 0;

  setTo(other: TypicalMove): void {
    this.#squares.setTo(other.#squares);
    this.#ns = other.#ns;
    this.#mid = other.#mid;
  }

  /** 0 before a minute of data. */
  get value(): number {
    return this.#squares.count >= leastSeconds ? Math.sqrt(this.#squares.mean) / rmsOfMean : 0;
  }

  update(ns: number, mid: number): void {
    const seconds = (ns - this.#ns) / 1e9;
    if (seconds < 1) return;
    if (seconds < 10) {
      const square = (mid - this.#mid) ** 2 / seconds;
      const { mean, count } = this.#squares;
      this.#squares.add(count >= leastSeconds && mean > 0 ? Math.min(square, mostTimes ** 2 * mean) : square);
    }
    this.#ns = ns;
    this.#mid = mid;
  }

  /** The next mid is not compared with earlier ones, after a gap. */
  restart(): void {
    this.#ns = Number.NaN;
  }
}
