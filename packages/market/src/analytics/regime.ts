import { FadingSum, RecentRate, RunningMean } from "./own-scale.js";
import { Volatility } from "./volatility.js";

export const regimes = ["Calm", "Stressed", "Execution Hot", "Manipulation Suspected"] as const;
export type Regime = 0 | 1 | 2 | 3;

/** A regime is entered above the first number and left below the second, so that it does not flicker. */
const stress = { enter: 3, leave: 1.8 };
const heat = { enter: 6, leave: 3 };
const suspicion = { enter: 1, leave: 0.35 };
/** Seconds before which there is no past to compare with. */
const leastSeconds = 20;
const quick = 3;
const slow = 180;

/**
 * The state of the market, by thresholds with hysteresis on three ratios of now to its own recent past: an online method that
 * starts from nothing and draws no random numbers.
 *   stress     = max(volatility of 3 s / of 3 min, spread / usual spread)
 *   heat       = volume traded per second in 3 s / in 3 min
 *   suspicion  = alerts of manipulation, a high one counts 1, fading by e^(-age / 10 s)
 * 3 where suspicion is in force, else 2 where heat is, else 1 where stress is, else 0.
 */
export class MarketRegime {
  current: Regime = 0;
  /** How many times its usual self the market's movement or spread is. */
  stress = 1;
  readonly #quick = new Volatility(quick);
  readonly #slow = new Volatility(slow);
  readonly #spread = new RunningMean(1_500);
  readonly #volumeNow = new RecentRate(quick);
  readonly #volumeUsual = new RecentRate(slow);
  readonly #suspicion = new FadingSum(10);
  #stressed = false;
  #hot = false;
  #suspected = false;

  /** `spread` is NaN with an empty side; `suspicion`: what the alerts of the frame add. */
  note(seconds: number, midBefore: number, mid: number, spread: number, volume: number, suspicion: number): void {
    this.#quick.note(seconds, midBefore, mid);
    this.#volumeNow.note(seconds, volume);
    this.#suspicion.note(seconds, suspicion);
    const known = this.#slow.known > leastSeconds;
    const heat = known ? ratio(this.#volumeNow.rate, this.#volumeUsual.rate) : 1;
    // A spread of one tick is the least there is; where it is the rule, its usual size is nearly that.
    const wide = this.#spread.count > 100 ? ratio(spread, this.#spread.mean + this.#spread.deviation) : 1;
    this.stress = known ? Math.max(ratio(this.#quick.value, this.#slow.value), wide) : 1;
    this.#settle(heat);
    this.#slow.note(seconds, midBefore, mid);
    this.#volumeUsual.note(seconds, volume);
    this.#spread.note(spread);
  }

  #settle(heat_: number): void {
    this.#stressed = inForce(this.#stressed, this.stress, stress);
    this.#hot = inForce(this.#hot, heat_, heat);
    this.#suspected = inForce(this.#suspected, this.#suspicion.value, suspicion);
    this.current = this.#suspected ? 3 : this.#hot ? 2 : this.#stressed ? 1 : 0;
  }
}

function ratio(now: number, usual: number): number {
  const times = now / usual;
  return usual > 0 && Number.isFinite(times) ? times : 1;
}

function inForce(before: boolean, value: number, { enter, leave }: { enter: number; leave: number }): boolean {
  return value >= (before ? leave : enter);
}
