/**
 * Running statistics of an instrument. Each keeps a few numbers and no samples, so that a frame costs the same at the end of a tape
 * as at its beginning. Non-finite values are ignored, since a single one would corrupt the state permanently.
 */

/** Exponentially weighted mean and variance over about `window` observations; plain ones until there are that many. */
export class RunningMean {
  mean = 0;
  variance = 0;
  count = 0;
  readonly #window: number;

  constructor(window: number) {
    this.#window = window;
  }

  /** Takes over what another one of the same window knows; so do the others of this name. */
  setTo({ mean, variance, count }: RunningMean): void {
    this.mean = mean;
    this.variance = variance;
    this.count = count;
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

  /** How many deviations `value` is above the mean; 0 without data. `least` is a lower bound for the deviation. */
  score(value: number, least = 0): number {
    const deviation = Math.max(this.deviation, least);
    return deviation > 0 && Number.isFinite(value) ? (value - this.mean) / deviation : 0;
  }
}

/**
 * A quantile by stochastic approximation (Robbins and Monro 1951): each observation moves it by a step proportional to the mean
 * distance of observations from it, up with weight `p` and down with `1 - p`.
 */
export class RunningQuantile {
  value = 0;
  count = 0;
  readonly #p: number;
  readonly #window: number;
  #distance = 0;

  /** `window`: number of recent observations that dominate. */
  constructor(p: number, window: number) {
    this.#p = p;
    this.#window = window;
  }

  setTo(other: RunningQuantile): void {
    this.value = other.value;
    this.count = other.count;
    this.#distance = other.#distance;
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
    // Larger steps than for a mean, since few observations are near an extreme quantile.
    const step = Math.min(1, 4 * weight) * this.#distance;
    this.value += off >= 0 ? step * this.#p : -step * (1 - this.#p);
  }
}

/**
 * The value exceeded once in T seconds on average, even before T seconds have passed. Values above a high quantile u are assumed to
 * be exponential with their own mean excess m; at r of them a second the return level is u + m ln(r T). For the logarithms of
 * heavy-tailed sizes this is Hill's estimator (1975), "A simple general approach to inference about the tail of a distribution".
 */
export class ReturnLevel {
  count = 0;
  readonly #seconds: number;
  readonly #high = new RunningQuantile(0.95, 3_000);
  readonly #excess = new RunningMean(200);
  readonly #rate = new RecentRate(300);

  /** `seconds`: the return period. */
  constructor(seconds: number) {
    this.#seconds = seconds;
  }

  setTo(other: ReturnLevel): void {
    this.count = other.count;
    this.#high.setTo(other.#high);
    this.#excess.setTo(other.#excess);
    this.#rate.setTo(other.#rate);
  }

  /** Infinite without enough data. */
  get value(): number {
    if (this.#excess.count < 10) return Number.POSITIVE_INFINITY;
    const times = this.#rate.rate * this.#seconds;
    return this.#high.value + (times > 1 ? this.#excess.mean * Math.log(times) : 0);
  }

  /** Advances time. */
  advance(seconds: number): void {
    this.#rate.add(seconds, 0);
  }

  add(value: number): void {
    if (!Number.isFinite(value)) return;
    const over = value - this.#high.value;
    this.#high.add(value);
    this.count++;
    // The quantile must converge first.
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

  setTo(other: RecentRate): void {
    this.#amount = other.#amount;
    this.#seconds = other.#seconds;
  }

  /** Seconds of data, at most tau. */
  get knownSeconds(): number {
    return this.#seconds;
  }

  /** 0 without data. */
  get rate(): number {
    return this.#seconds > 0 ? this.#amount / this.#seconds : 0;
  }

  /** Adds an amount for the last `seconds`. */
  add(seconds: number, amount: number): void {
    const kept = Math.exp(-seconds / this.#tau);
    this.#seconds = this.#seconds * kept + this.#tau * (1 - kept);
    const sum = this.#amount * kept + amount;
    if (Number.isFinite(sum)) this.#amount = sum;
  }
}

/** A sum whose terms decay by e^(-age / tau). */
export class DecayingSum {
  value = 0;
  readonly #tau: number;

  constructor(tau: number) {
    this.#tau = tau;
  }

  setTo({ value }: DecayingSum): void {
    this.value = value;
  }

  add(seconds: number, amount: number): void {
    const sum = this.value * Math.exp(-seconds / this.#tau) + amount;
    if (Number.isFinite(sum)) this.value = sum;
  }

  clear(): void {
    this.value = 0;
  }
}
