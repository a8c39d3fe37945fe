/**
 * What is usual for an instrument, learned as it goes. Nothing here keeps samples or starts at random: each is a few numbers,
 * moved by every observation, so that a frame costs the same at the end of a tape as at its beginning. Numbers that are not
 * finite are ignored, since one of them would spoil the state for good.
 */

/** Mean and variance in which the last `window` observations count most; plain ones until there are so many. */
export class RunningMean {
  mean = 0;
  variance = 0;
  count = 0;
  readonly #window: number;

  constructor(window: number) {
    this.#window = window;
  }

  get deviation(): number {
    return Math.sqrt(this.variance);
  }

  add(value: number): void {
    if (!Number.isFinite(value)) return;
    this.count++;
    const weight = 1 / Math.min(this.count, this.#window);
    const off = value - this.mean;
    this.mean += off * weight;
    this.variance = (1 - weight) * (this.variance + off * off * weight);
  }

  /** How many deviations `value` lies above the mean; 0 while nothing is known. `least` is the smallest deviation believed. */
  score(value: number, least = 0): number {
    const deviation = Math.max(this.deviation, least);
    return deviation > 0 && Number.isFinite(value) ? (value - this.mean) / deviation : 0;
  }
}

/**
 * A quantile by stochastic approximation (Robbins and Monro 1951): each observation moves it by a step whose size follows the
 * mean distance of observations from it, up with weight `p` and down with `1 - p`.
 */
export class RunningQuantile {
  value = 0;
  count = 0;
  readonly #p: number;
  readonly #window: number;
  #distance = 0;

  /** `window`: observations after which an old one counts little. */
  constructor(p: number, window: number) {
    this.#p = p;
    this.#window = window;
  }

  add(value: number): void {
    if (!Number.isFinite(value)) return;
    this.count++;
    if (this.count === 1) {
      this.value = value;
      return;
    }
    const weight = 1 / Math.min(this.count, this.#window);
    const off = value - this.value;
    this.#distance += (Math.abs(off) - this.#distance) * weight;
    // Larger steps than a mean takes: a quantile far out hears of few observations.
    const step = Math.min(1, 4 * weight) * this.#distance;
    this.value += off >= 0 ? step * this.#p : -step * (1 - this.#p);
  }
}

/**
 * What is exceeded once in so many seconds, also where less than that was seen: values above a high quantile u are taken to fall off
 * exponentially with their own mean excess m, and with r of them a second the value exceeded once in T seconds is u + m ln(r T). For
 * the logarithms of heavy-tailed sizes that is Hill's estimator (1975), "A simple general approach to inference about the tail of a
 * distribution".
 */
export class ReturnLevel {
  count = 0;
  readonly #seconds: number;
  readonly #high = new RunningQuantile(0.95, 3_000);
  readonly #excess = new RunningMean(200);
  readonly #rate = new RecentRate(300);

  /** `seconds`: once in so long a value is to be above `value`. */
  constructor(seconds: number) {
    this.#seconds = seconds;
  }

  /** Infinite while too little is known. */
  get value(): number {
    if (this.#excess.count < 10) return Number.POSITIVE_INFINITY;
    const times = this.#rate.rate * this.#seconds;
    return this.#high.value + (times > 1 ? this.#excess.mean * Math.log(times) : 0);
  }

  /** So much time has passed. */
  advance(seconds: number): void {
    this.#rate.add(seconds, 0);
  }

  add(value: number): void {
    if (!Number.isFinite(value)) return;
    const over = value - this.#high.value;
    this.#high.add(value);
    this.count++;
    // The quantile has to be near the true one first.
    if (over <= 0 || this.count < 40) return;
    this.#excess.add(over);
    this.#rate.add(0, 1);
  }
}

/** An amount per second in which the last `tau` seconds count most (weights e^(-age / tau)), by event time. */
export class RecentRate {
  readonly #tau: number;
  #amount = 0;
  #seconds = 0;

  constructor(tau: number) {
    this.#tau = tau;
  }

  /** Seconds of the past that it knows of, at most tau. */
  get knownSeconds(): number {
    return this.#seconds;
  }

  /** 0 while nothing is known. */
  get rate(): number {
    return this.#seconds > 0 ? this.#amount / this.#seconds : 0;
  }

  /** `amount` came in the last `seconds`. */
  add(seconds: number, amount: number): void {
    const kept = Math.exp(-seconds / this.#tau);
    this.#seconds = this.#seconds * kept + this.#tau * (1 - kept);
    const sum = this.#amount * kept + amount;
    if (Number.isFinite(sum)) this.#amount = sum;
  }
}

/** A sum that fades by e^(-age / tau). */
export class DecayingSum {
  value = 0;
  readonly #tau: number;

  constructor(tau: number) {
    this.#tau = tau;
  }

  add(seconds: number, amount: number): void {
    const sum = this.value * Math.exp(-seconds / this.#tau) + amount;
    if (Number.isFinite(sum)) this.value = sum;
  }

  clear(): void {
    this.value = 0;
  }
}
