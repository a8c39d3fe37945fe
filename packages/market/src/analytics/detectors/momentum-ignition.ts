import type { RaiseAlert } from "../alert-throttle.js";
import { roundedOrZero } from "../rounding.js";
import type { Thresholds } from "../thresholds.js";
import type { Detector, DetectorInput } from "./detector.js";

/** A moment a push may begin or end with. All but the first three are sums over the frames up to it. */
interface Mark {
  ns: number;
  mid: number;
  /** What the mid usually moves in a second. */
  usual: number;
  buys: number;
  sells: number;
  volume: number;
  /** Of the mid's changes from frame to frame. */
  squares: number;
  frames: number;
}

/**
 * MOMENTUM_IGNITION: within a few seconds the price goes much farther than it usually does in one, as straight as it seldom goes by itself,
 * on trades of nearly one side, and then, within some seconds, much of the way back: somebody pushed, others followed, and the pusher
 * left. What jumps, or stays where it went, is news, and no alert. The practice is described in ESMA/2012/122, "Systems and controls in
 * an automated trading environment".
 *
 * A push is a drift where there usually is none, and begins where a cumulative sum for such a drift was last zero (Page 1954, "Continuous
 * inspection schemes"): neither where the price was lowest, which may be long before, nor where it was noticed. How far it went says
 * little alone, since lively seconds go as far. They wobble, though, and whoever pushes does not: so distance counts by what is usual in
 * a second, by the wobble of the push itself (Student's t of its steps) and by its time, in the geometric mean of the three, of which the
 * share of trades that went along is taken.
 */
export class MomentumIgnition implements Detector {
  readonly #watches: readonly PushTracker[];
  readonly #now = noMark();

  constructor(thresholds: Thresholds["ignition"]) {
    this.#watches = [new PushTracker(1, thresholds), new PushTracker(-1, thresholds)];
  }

  detect({ moment, before, seconds, volume, typicalMove }: DetectorInput, raise: RaiseAlert): void {
    const now = this.#now;
    const step = before === undefined ? 0 : moment.mid - before.mid;
    now.ns = moment.ns;
    now.mid = moment.mid;
    now.usual = typicalMove;
    now.volume += volume;
    now.squares += step * step;
    now.frames++;
    for (const { side } of moment.trades) {
      if (side === "buy") now.buys++;
      else if (side === "sell") now.sells++;
    }
    for (const watch of this.#watches) {
      if (before === undefined) watch.begin(now);
      else watch.look(now, step, seconds, raise);
    }
  }
}

/** Looks for pushes in one direction. */
class PushTracker {
  readonly #direction: 1 | -1;
  readonly #thresholds: Thresholds["ignition"];
  /** Where the push begins, if this is one. */
  readonly #from = noMark();
  readonly #peak = noMark();
  /** How much farther it has gone since then than a drift that is no push would have. */
  #excess = 0;
  #noticed = false;

  constructor(direction: 1 | -1, thresholds: Thresholds["ignition"]) {
    this.#direction = direction;
    this.#thresholds = thresholds;
  }

  begin(now: Mark): void {
    set(this.#from, now);
    this.#excess = 0;
    this.#noticed = false;
  }

  look(now: Mark, step: number, seconds: number, raise: RaiseAlert): void {
    const { usual } = this.#from;
    if (usual <= 0) this.begin(now);
    else if (this.#noticed) this.#follow(now, raise);
    else {
      this.#excess += this.#direction * step - this.#thresholds.drift * usual * seconds;
      if (this.#excess <= 0) this.begin(now);
      else if (this.#excess >= this.#thresholds.notice * usual) {
        this.#noticed = true;
        set(this.#peak, now);
      }
    }
  }

  #follow(now: Mark, raise: RaiseAlert): void {
    const from = this.#from;
    const peak = this.#peak;
    if (this.#direction * (now.mid - peak.mid) > 0) set(peak, now);
    const { reverts, withinNs, longestNs } = this.#thresholds;
    const over = now.ns - peak.ns > withinNs || peak.ns - from.ns > longestNs;
    const back = (peak.mid - now.mid) / (peak.mid - from.mid) >= reverts;
    if (!over && !back) return;
    if (!over && this.#isForced()) this.#raise(raise);
    this.begin(now);
  }

  #isForced(): boolean {
    const from = this.#from;
    const peak = this.#peak;
    const buys = peak.buys - from.buys;
    const sells = peak.sells - from.sells;
    // Who pushes trades: what moves without is a thin book. What jumps is news.
    if (buys + sells === 0 || peak.ns - from.ns < this.#thresholds.shortestNs) return false;
    const along = (this.#direction > 0 ? buys : sells) / (buys + sells);
    const distance = Math.abs(peak.mid - from.mid);
    const residual = peak.squares - from.squares - distance ** 2 / (peak.frames - from.frames);
    // A usual second is added, so that no push is infinitely straight.
    const wobble = Math.sqrt(Math.max(0, residual) + from.usual ** 2);
    const times = distance / from.usual;
    const perSecond = times / ((peak.ns - from.ns) / 1e9);
    return along * Math.cbrt(times * (distance / wobble) * perSecond) >= this.#thresholds.force;
  }

  #raise(raise: RaiseAlert): void {
    const from = this.#from;
    const peak = this.#peak;
    const times = Math.abs(peak.mid - from.mid) / from.usual;
    const up = this.#direction > 0;
    raise({
      type: "MOMENTUM_IGNITION",
      severity: times >= 32 ? "high" : times >= 19 ? "medium" : "low",
      message: `A burst of trading moved the price ${up ? "up" : "down"}, and it came back`,
      fields: {
        price_change_pct: roundedOrZero((100 * (peak.mid - from.mid)) / from.mid, 4),
        volume: roundedOrZero(peak.volume - from.volume, 8),
        direction: up ? "UP" : "DOWN",
        times_usual: roundedOrZero(times, 1),
      },
    });
  }
}

function noMark(): Mark {
  return { ns: 0, mid: 0, usual: 0, buys: 0, sells: 0, volume: 0, squares: 0, frames: 0 };
}

// HOT: in nearly every frame. Marks are written over, since most are worth nothing in the frame after.
function set(mark: Mark, now: Mark): void {
  mark.ns = now.ns;
  mark.mid = now.mid;
  mark.usual = now.usual;
  mark.buys = now.buys;
  mark.sells = now.sells;
  mark.volume = now.volume;
  mark.squares = now.squares;
  mark.frames = now.frames;
}
