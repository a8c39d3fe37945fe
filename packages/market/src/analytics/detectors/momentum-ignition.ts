import type { RaiseAlert } from "../alert-throttle.js";
import { roundedOrZero } from "../rounding.js";
import type { Thresholds } from "../thresholds.js";
import type { Detector, DetectorInput } from "./detector.js";

/** State at a possible beginning or end of a push. All but the first three are sums over the frames so far. */
interface PushState {
  ns: number;
  mid: number;
  /** Typical move of the mid in a second. */
  usual: number;
  buys: number;
  sells: number;
  volume: number;
  /** Sum of the squared changes of the mid from frame to frame. */
  squares: number;
  frames: number;
}

/**
 * MOMENTUM_IGNITION: within a few seconds the price moves unusually far and straight on trades of nearly one side, and reverts much of
 * the way within some seconds: one participant pushed the price, others followed, and the first one left. A jump, or a move that
 * stays, is news and no alert. ESMA/2012/122, "Systems and controls in an automated trading environment", describes the practice.
 *
 * A push is an unusual drift. It begins where a cumulative sum for such a drift was last zero (Page 1954, "Continuous inspection
 * schemes"), not at the lowest price, which may be long before, nor where it was detected. Distance alone is weak evidence, since active
 * seconds move as far, but they wobble and a push does not. So the force is the geometric mean of the distance relative to the typical
 * move, to the push's own wobble (Student's t of its steps) and to its duration, times the share of trades in its direction.
 */
export class MomentumIgnition implements Detector {
  readonly #thresholds: Thresholds["ignition"];
  readonly #trackers: readonly PushTracker[];
  readonly #now = emptyState();

  constructor(thresholds: Thresholds["ignition"]) {
    this.#thresholds = thresholds;
    this.#trackers = [new PushTracker(1, thresholds), new PushTracker(-1, thresholds)];
  }

  copy(): MomentumIgnition {
    const copy = new MomentumIgnition(this.#thresholds);
    set(copy.#now, this.#now);
    for (const [at, tracker] of this.#trackers.entries()) copy.#trackers[at]?.setTo(tracker);
    return copy;
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
    for (const tracker of this.#trackers) {
      if (before === undefined) tracker.begin(now);
      else tracker.update(now, step, seconds, raise);
    }
  }
}

/** Tracks pushes in one direction. */
class PushTracker {
  readonly #direction: 1 | -1;
  readonly #thresholds: Thresholds["ignition"];
  /** Where the push began, if this is one. */
  readonly #from = emptyState();
  readonly #peak = emptyState();
  /** Distance since then beyond that of the largest ordinary drift. */
  #excess = 0;
  #noticed = false;

  constructor(direction: 1 | -1, thresholds: Thresholds["ignition"]) {
    this.#direction = direction;
    this.#thresholds = thresholds;
  }

  setTo(other: PushTracker): void {
    set(this.#from, other.#from);
    set(this.#peak, other.#peak);
    this.#excess = other.#excess;
    this.#noticed = other.#noticed;
  }

  begin(now: PushState): void {
    set(this.#from, now);
    this.#excess = 0;
    this.#noticed = false;
  }

  update(now: PushState, step: number, seconds: number, raise: RaiseAlert): void {
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

  #follow(now: PushState, raise: RaiseAlert): void {
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
    // A push needs trades: without them the book is just thin. A jump is news.
    if (buys + sells === 0 || peak.ns - from.ns < this.#thresholds.shortestNs) return false;
    const along = (this.#direction > 0 ? buys : sells) / (buys + sells);
    const distance = Math.abs(peak.mid - from.mid);
    const residual = peak.squares - from.squares - distance ** 2 / (peak.frames - from.frames);
    // The typical move is added, so that no push is infinitely straight.
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

function emptyState(): PushState {
  return { ns: 0, mid: 0, usual: 0, buys: 0, sells: 0, volume: 0, squares: 0, frames: 0 };
}

// HOT: in nearly every frame. States are overwritten, not allocated, since most are obsolete in the next frame.
function set(mark: PushState, now: PushState): void {
  mark.ns = now.ns;
  mark.mid = now.mid;
  mark.usual = now.usual;
  mark.buys = now.buys;
  mark.sells = now.sells;
  mark.volume = now.volume;
  mark.squares = now.squares;
  mark.frames = now.frames;
}
