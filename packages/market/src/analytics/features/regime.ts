import { DecayingSum, RecentRate, RunningMean } from "../running-statistics.js";
import { TypicalMove } from "./volatility.js";

export const regimes = ["Calm", "Stressed", "Execution Hot", "Manipulation Suspected"] as const;
type Regime = 0 | 1 | 2 | 3;

interface Hysteresis {
  readonly enter: number;
  readonly leave: number;
}

const stress: Hysteresis = { enter: 6, leave: 3 };
const heat: Hysteresis = { enter: 6, leave: 3 };
const suspicion: Hysteresis = { enter: 1, leave: 0.35 };
/** Seconds of data before a comparison is possible. */
const leastSeconds = 20;
const quickS = 3;
const slowS = 180;

/**
 * The state of the market, by thresholds with hysteresis on the present relative to the recent past: an online method without prior
 * data or random numbers.
 *   stress     = max(move of the mid in 3 s / typical move, spread / typical spread)
 *   heat       = volume traded per second in the last 3 s / in the last 3 min
 *   suspicion  = alerts of manipulation, a high one counts 1, decaying by e^(-age / 10 s)
 * 3 if suspicion is active, else 2 if heat is, else 1 if stress is, else 0.
 */
export class MarketRegime {
  current: Regime = 0;
  /** Movement or spread relative to the typical one, the larger of both. */
  stress = 0;
  /** The movement relative to the typical one. */
  moved = 0;
  stressed = false;
  /** Typical move of the mid in a second, price units; 0 while unknown. */
  readonly typicalMove = new TypicalMove();
  readonly #volumeShort = new RecentRate(quickS);
  readonly #mids = new RecentMids(quickS * 1e9, 64);
  readonly #spread = new RunningMean(1_500);
  readonly #volumeLong = new RecentRate(slowS);
  readonly #suspicion = new DecayingSum(10);
  #hot = false;
  #suspected = false;

  setTo(other: MarketRegime): void {
    this.current = other.current;
    this.stress = other.stress;
    this.moved = other.moved;
    this.stressed = other.stressed;
    this.typicalMove.setTo(other.typicalMove);
    this.#volumeShort.setTo(other.#volumeShort);
    this.#mids.setTo(other.#mids);
    this.#spread.setTo(other.#spread);
    this.#volumeLong.setTo(other.#volumeLong);
    this.#suspicion.setTo(other.#suspicion);
    this.#hot = other.#hot;
    this.#suspected = other.#suspected;
  }

  /** A gap precedes the next frame. */
  restart(): void {
    this.#mids.clear();
    this.typicalMove.restart();
  }

  /** `spread` is NaN if a side is empty; `suspected` is the suspicion that the previous frame's alerts add. */
  update(ns: number, seconds: number, mid: number, spread: number, volume: number, suspected: number): void {
    this.#volumeShort.add(seconds, volume);
    this.#suspicion.add(seconds, suspected);
    this.#mids.add(ns, mid);
    const known = this.#volumeLong.knownSeconds > leastSeconds;
    const move = Math.abs(mid - this.#mids.midAt(0)) / Math.sqrt(quickS);
    // The smallest spread is one tick; if that is the rule, the typical spread is close to it.
    const wide = this.#spread.count > 100 ? ratio(spread, this.#spread.mean + this.#spread.deviation) : 0;
    this.moved = known ? ratio(move, this.typicalMove.value) : 0;
    this.stress = known ? Math.max(this.moved, wide) : 0;
    this.#settle(known ? ratio(this.#volumeShort.rate, this.#volumeLong.rate) : 0);
    this.typicalMove.update(ns, mid);
    this.#volumeLong.add(seconds, volume);
    this.#spread.add(spread);
  }

  #settle(hot: number): void {
    this.stressed = isActive(this.stressed, this.stress, stress);
    this.#hot = isActive(this.#hot, hot, heat);
    this.#suspected = isActive(this.#suspected, this.#suspicion.value, suspicion);
    this.current = this.#suspected ? 3 : this.#hot ? 2 : this.stressed ? 1 : 0;
  }
}

/** 0 without a usual value. */
function ratio(now: number, usual: number): number {
  const times = now / usual;
  return usual > 0 && Number.isFinite(times) ? times : 0;
}

function isActive(before: boolean, value: number, { enter, leave }: Hysteresis): boolean {
  return value >= (before ? leave : enter);
}

/** Ring buffer of the mids of the last seconds, oldest first. */
class RecentMids {
  readonly #spanNs: number;
  readonly #ns: Float64Array;
  readonly #mids: Float64Array;
  #first = 0;
  #count = 0;

  constructor(spanNs: number, most: number) {
    this.#spanNs = spanNs;
    this.#ns = new Float64Array(most);
    this.#mids = new Float64Array(most);
  }

  setTo(other: RecentMids): void {
    this.#ns.set(other.#ns);
    this.#mids.set(other.#mids);
    this.#first = other.#first;
    this.#count = other.#count;
  }

  get count(): number {
    return this.#count;
  }

  add(ns: number, mid: number): void {
    const size = this.#ns.length;
    while (this.#count > 0 && (this.#count === size || ns - this.nsAt(0) > this.#spanNs)) {
      this.#first = this.#place(1);
      this.#count--;
    }
    const at = this.#place(this.#count);
    this.#ns[at] = ns;
    this.#mids[at] = mid;
    this.#count++;
  }

  clear(): void {
    this.#count = 0;
  }

  nsAt(place: number): number {
    return this.#ns[this.#place(place)] ?? 0;
  }

  midAt(place: number): number {
    return this.#mids[this.#place(place)] ?? 0;
  }

  /** Index in the ring; `place` is at most the ring's size. */
  #place(place: number): number {
    const at = this.#first + place;
    return at < this.#ns.length ? at : at - this.#ns.length;
  }
}
