import type { Raise } from "../alerts.js";
import { RecentRate } from "../own-scale.js";
import { RecentMids } from "../recent-mids.js";
import type { Detector, Scene } from "../scene.js";
import { tidy } from "../tidy.js";
import type { Thresholds } from "./thresholds.js";

interface Push {
  readonly direction: 1 | -1;
  readonly from: number;
  /** When it was noticed. */
  readonly sinceNs: number;
  /** Of the usual move in a second. */
  readonly usual: number;
  peak: number;
  peakNs: number;
  volume: number;
}

const pushNs = 3e9;
/** A push that goes on for longer once it is noticed is a trend or a crash. */
const longestNs = 3e9;

/**
 * MOMENTUM_IGNITION: within 3 s the price goes much farther than it usually does in a second, on much trading, and then most of
 * the way back: somebody pushed, others followed, and the pusher left. What stays where it went is news, and no alert. The
 * practice is described in ESMA/2012/122, "Systems and controls in an automated trading environment".
 */
export class MomentumIgnition implements Detector {
  readonly #thresholds: Thresholds["ignition"];
  readonly #tradesNow = new RecentRate(2);
  readonly #tradesUsual = new RecentRate(120);
  readonly #past = new RecentMids(pushNs, 64);
  #push: Push | undefined;

  constructor(thresholds: Thresholds["ignition"]) {
    this.#thresholds = thresholds;
  }

  look(scene: Scene, raise: Raise): void {
    const { moment, before, seconds, volume, usualMove } = scene;
    const { ns, mid } = moment;
    if (before === undefined) {
      this.#past.clear();
      this.#push = undefined;
    }
    this.#tradesNow.note(seconds, moment.trades.length);
    if (this.#push !== undefined) {
      this.#push.volume += volume;
      this.#follow(this.#push, ns, mid, raise);
    } else {
      this.#tradesUsual.note(seconds, moment.trades.length);
      if (usualMove > 0) this.#push = this.#begin(ns, mid, usualMove, volume);
    }
    this.#past.note(ns, mid);
  }

  #begin(ns: number, mid: number, usual: number, volume: number): Push | undefined {
    const past = this.#past;
    if (past.count === 0) return undefined;
    let [low, high] = [0, 0];
    for (let at = 1; at < past.count; at++) {
      if (past.midAt(at) <= past.midAt(low)) low = at;
      if (past.midAt(at) >= past.midAt(high)) high = at;
    }
    const up = mid - past.midAt(low) >= past.midAt(high) - mid;
    const from = past.midAt(up ? low : high);
    const { timesMove, timesTrades } = this.#thresholds;
    if (Math.abs(mid - from) < timesMove * usual) return undefined;
    const usualTrades = this.#tradesUsual.rate;
    if (usualTrades === 0 || this.#tradesNow.rate < timesTrades * usualTrades) return undefined;
    return { direction: up ? 1 : -1, from, sinceNs: ns, usual, peak: mid, peakNs: ns, volume };
  }

  #follow(push: Push, ns: number, mid: number, raise: Raise): void {
    const { direction, from } = push;
    if (direction * (mid - push.peak) > 0) {
      push.peak = mid;
      push.peakNs = ns;
    }
    const { reverts, withinNs } = this.#thresholds;
    const over = ns - push.peakNs > withinNs || push.peakNs - push.sinceNs > longestNs;
    const back = (push.peak - mid) / (push.peak - from) >= reverts;
    if (!over && !back) return;
    this.#push = undefined;
    this.#past.clear();
    if (over) return;
    const times = Math.abs(push.peak - from) / push.usual;
    raise({
      type: "MOMENTUM_IGNITION",
      severity: times >= 32 ? "high" : times >= 19 ? "medium" : "low",
      message: `A burst of trading moved the price ${direction > 0 ? "up" : "down"}, and it came back`,
      fields: {
        price_change_pct: tidy((100 * (push.peak - from)) / from, 4),
        volume: tidy(push.volume, 8),
        direction: direction > 0 ? "UP" : "DOWN",
        times_usual: tidy(times, 1),
      },
    });
  }
}
