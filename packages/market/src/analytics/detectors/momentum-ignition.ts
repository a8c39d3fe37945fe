import type { MarketTrade } from "../../analytics.js";
import type { Raise } from "../alerts.js";
import type { Detector, Scene } from "../scene.js";
import type { Thresholds } from "../thresholds.js";
import { tidy } from "../tidy.js";

/** How far back a push may have begun when it is noticed. */
const pushNs = 3e9;
/** Frames that are remembered for that. */
const mostFrames = 64;

/** A frame that a push may have begun with. */
interface Start {
  readonly ns: number;
  readonly mid: number;
  /** Trades so far, by who took. */
  readonly buys: number;
  readonly sells: number;
}

interface Push {
  readonly direction: 1 | -1;
  readonly from: Start;
  /** Of the usual move in a second. */
  readonly usual: number;
  peak: number;
  peakNs: number;
  /** Trades until the peak, from the start on: with the push, and against it. */
  along: number;
  against: number;
  volume: number;
}

/**
 * MOMENTUM_IGNITION: within a few seconds the price goes much farther than it usually does in one, on trades of nearly one side alone,
 * and then, within some seconds, much of the way back: somebody pushed, others followed, and the pusher left. What jumps, or stays where
 * it went, is news, and no alert. The practice is described in ESMA/2012/122, "Systems and controls in an automated trading environment".
 *
 * Neither distance nor one-sidedness alone tells it from what a market does by itself: small pushes are as far as lively minutes go,
 * and a large one makes others sell to it. So they are weighed against each other, as a linear discriminant of the logarithm of the
 * distance and the share of trades against it: times >= timesMove e^(contrary share).
 */
export class MomentumIgnition implements Detector {
  readonly #thresholds: Thresholds["ignition"];
  #past: Start[] = [];
  #push: Push | undefined;
  #buys = 0;
  #sells = 0;

  constructor(thresholds: Thresholds["ignition"]) {
    this.#thresholds = thresholds;
  }

  look({ moment, before, volume, usualMove }: Scene, raise: Raise): void {
    const { ns, mid, trades } = moment;
    if (before === undefined) this.#forget();
    this.#count(trades);
    if (this.#push !== undefined) {
      this.#push.volume += volume;
      this.#follow(this.#push, ns, mid, raise);
    } else if (usualMove > 0) {
      this.#push = this.#begin(ns, mid, usualMove, volume);
    }
    const oldest = this.#past[0];
    if (oldest !== undefined && (this.#past.length === mostFrames || ns - oldest.ns > pushNs)) this.#past.shift();
    this.#past.push({ ns, mid, buys: this.#buys, sells: this.#sells });
  }

  #forget(): void {
    this.#past = [];
    this.#push = undefined;
    this.#buys = 0;
    this.#sells = 0;
  }

  #count(trades: readonly MarketTrade[]): void {
    for (const { side } of trades) {
      if (side === "buy") this.#buys++;
      else if (side === "sell") this.#sells++;
    }
  }

  #begin(ns: number, mid: number, usual: number, volume: number): Push | undefined {
    let [low] = this.#past;
    let high = low;
    if (low === undefined || high === undefined) return undefined;
    for (const start of this.#past) {
      if (start.mid <= low.mid) low = start;
      if (start.mid >= high.mid) high = start;
    }
    const up = mid - low.mid >= high.mid - mid;
    const from = up ? low : high;
    if (Math.abs(mid - from.mid) < this.#thresholds.notice * usual) return undefined;
    const push: Push = {
      ...{ direction: up ? 1 : -1, from, usual, volume },
      ...{ peak: mid, peakNs: ns, along: 0, against: 0 },
    };
    this.#reach(push, ns, mid);
    return push;
  }

  #reach(push: Push, ns: number, mid: number): void {
    push.peak = mid;
    push.peakNs = ns;
    const buys = this.#buys - push.from.buys;
    const sells = this.#sells - push.from.sells;
    push.along = push.direction > 0 ? buys : sells;
    push.against = push.direction > 0 ? sells : buys;
  }

  #follow(push: Push, ns: number, mid: number, raise: Raise): void {
    const { direction, from } = push;
    if (direction * (mid - push.peak) > 0) this.#reach(push, ns, mid);
    const { reverts, withinNs, longestNs } = this.#thresholds;
    const over = ns - push.peakNs > withinNs || push.peakNs - from.ns > longestNs;
    const back = (push.peak - mid) / (push.peak - from.mid) >= reverts;
    if (!over && !back) return;
    this.#push = undefined;
    this.#past = [];
    if (!over && this.#isForced(push)) this.#raise(push, raise);
  }

  #isForced(push: Push): boolean {
    const { shortestNs, timesMove, contrary } = this.#thresholds;
    if (push.peakNs - push.from.ns < shortestNs) return false;
    const trades = push.along + push.against;
    // Who pushes trades: what moves without is a thin book.
    return trades > 0 && timesOf(push) >= timesMove * Math.exp(contrary * (push.against / trades));
  }

  #raise(push: Push, raise: Raise): void {
    const { direction, from, peak, volume } = push;
    const times = timesOf(push);
    raise({
      type: "MOMENTUM_IGNITION",
      severity: times >= 32 ? "high" : times >= 19 ? "medium" : "low",
      message: `A burst of trading moved the price ${direction > 0 ? "up" : "down"}, and it came back`,
      fields: {
        price_change_pct: tidy((100 * (peak - from.mid)) / from.mid, 4),
        volume: tidy(volume, 8),
        direction: direction > 0 ? "UP" : "DOWN",
        times_usual: tidy(times, 1),
      },
    });
  }
}

/** How far it went, of the usual move in a second. */
function timesOf({ from, peak, usual }: Push): number {
  return Math.abs(peak - from.mid) / usual;
}
