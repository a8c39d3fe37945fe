import { RecentRate } from "../running-statistics.js";

/**
 * Realised volatility of the mid: sqrt(sum r^2 / sum dt), r the log return from frame to frame, in basis points per square root
 * of a second (Andersen, Bollerslev, Diebold and Labys 2003, "Modeling and forecasting realized volatility"; the weights fade by
 * e^(-age / tau)). 0 while the price stands still.
 */
export class Volatility {
  readonly #squares: RecentRate;

  constructor(tau: number) {
    this.#squares = new RecentRate(tau);
  }

  /** Basis points per square root of a second. */
  get value(): number {
    return 1e4 * Math.sqrt(this.#squares.rate);
  }

  /** Seconds of the past that it knows of. */
  get known(): number {
    return this.#squares.knownSeconds;
  }

  update(seconds: number, midBefore: number, mid: number): void {
    const squared = midBefore > 0 && mid > 0 ? Math.log(mid / midBefore) ** 2 : 0;
    this.#squares.add(seconds, squared);
  }
}
