import type { MarketTrade } from "../../analytics.js";
import type { Raise } from "../alerts.js";
import { RecentRate } from "../own-scale.js";
import type { Detector, Scene } from "../scene.js";
import { tidy } from "../tidy.js";
import type { PreviousThresholds as Thresholds } from "./thresholds.js";

/** How far back a push may have begun when it is noticed. */
const pushNs = 3e9;
/** Frames that are remembered for that. */
const mostFrames = 64;
/** A push that is not over after so long is a trend or a crash. */
const longestNs = 5.5e9;

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
  /** The usual number of trades a second. */
  readonly usualTrades: number;
  peak: number;
  peakNs: number;
  /** Trades until the peak, from the start on: with the push, and against it. */
  along: number;
  against: number;
  volume: number;
}

/**
 * MOMENTUM_IGNITION: within a few seconds the price goes much farther than it usually does in one, on trades of nearly one side alone,
 * and then, over some seconds, much of the way back: somebody pushed, others followed, and the pusher left. What stays where it went is
 * news, and what springs back at once is a thin book; neither is an alert. The practice is described in ESMA/2012/122, "Systems and
 * controls in an automated trading environment".
 */
export class MomentumIgnition implements Detector {
  readonly #thresholds: Thresholds["ignition"];
  readonly #tradesUsual = new RecentRate(120);
  #past: Start[] = [];
  #push: Push | undefined;
  #buys = 0;
  #sells = 0;

  constructor(thresholds: Thresholds["ignition"]) {
    this.#thresholds = thresholds;
  }

  look(scene: Scene, raise: Raise): void {
    const { moment, before, seconds, volume, usualMove } = scene;
    const { ns, mid, trades } = moment;
    if (before === undefined) this.#forget();
    this.#count(trades);
    if (this.#push !== undefined) {
      this.#push.volume += volume;
      this.#follow(this.#push, ns, mid, raise);
    } else {
      this.#tradesUsual.note(seconds, trades.length);
      if (usualMove > 0) this.#push = this.#begin(ns, mid, usualMove, volume);
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
    const usualTrades = this.#tradesUsual.rate;
    if (usualTrades === 0) return undefined;
    const push: Push = {
      ...{ direction: up ? 1 : -1, from, usual, usualTrades, volume },
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
    const { reverts, withinNs } = this.#thresholds;
    const over = ns - push.peakNs > withinNs || push.peakNs - from.ns > longestNs;
    const back = (push.peak - mid) / (push.peak - from.mid) >= reverts;
    if (!over && !back) return;
    this.#push = undefined;
    this.#past = [];
    if (!over && this.#isForced(push, ns)) this.#raise(push, raise);
  }

  /** One side did it, with more trades than usual, and it took its time to leave. */
  #isForced({ from, peak, peakNs, usual, usualTrades, along, against }: Push, ns: number): boolean {
    const { timesMove, oneSided, timesTrades, soonestNs } = this.#thresholds;
    const seconds = Math.max(0.3, (peakNs - from.ns) / 1e9);
    return (
      Math.abs(peak - from.mid) >= timesMove * usual &&
      along >= oneSided * (along + against) &&
      along / seconds >= (timesTrades * usualTrades) / 2 &&
      ns - peakNs >= soonestNs
    );
  }

  #raise({ direction, from, peak, usual, volume }: Push, raise: Raise): void {
    const times = Math.abs(peak - from.mid) / usual;
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
