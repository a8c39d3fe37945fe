import type { MarketTrade } from "../../frame/frame-analytics.js";
import type { RaiseAlert } from "../alert-throttle.js";
import { roundedOrZero } from "../rounding.js";
import { RunningMean } from "../running-statistics.js";
import type { Thresholds } from "../thresholds.js";
import type { Detector, DetectorInput } from "./detector.js";

/** Most trades kept. */
const most = 96;

interface RecentTrade {
  readonly ns: number;
  readonly price: number;
  readonly size: number;
  readonly side: MarketTrade["side"];
}

/**
 * WASH_TRADING: repeated trades of nearly one size at one price with alternating sides within a few seconds: one party on both sides,
 * which only creates volume. Trades below the mean size are ignored, since an instrument's smallest lots are always alike. After Cao, Li, Coleman, Belatreche and McGinnity (2016), "Detecting wash trade in financial
 * market using digraphs and dynamic programming", whose closed cycles show in public trades as this pattern.
 */
export class WashTrading implements Detector {
  readonly #thresholds: Thresholds["wash"];
  readonly #meanTrade = new RunningMean(1_000);
  readonly #recent: RecentTrade[] = [];

  constructor(thresholds: Thresholds["wash"]) {
    this.#thresholds = thresholds;
  }

  copy(): WashTrading {
    const copy = new WashTrading(this.#thresholds);
    copy.#meanTrade.setTo(this.#meanTrade);
    copy.#recent.push(...this.#recent);
    return copy;
  }

  detect({ moment }: DetectorInput, raise: RaiseAlert): void {
    for (const { price, size, side } of moment.trades) {
      this.#meanTrade.add(size);
      if (side === "unknown" || this.#meanTrade.count < 20 || size < 0.7 * this.#meanTrade.mean) continue;
      this.#recent.push({ ns: moment.ns, price, size, side });
      if (this.#recent.length > most) this.#recent.shift();
      this.#judge(raise);
    }
  }

  #judge(raise: RaiseAlert): void {
    const last = this.#recent[this.#recent.length - 1];
    if (last === undefined) return;
    const { count, withinNs, likeness, alternating } = this.#thresholds;
    let alike = 0;
    let changes = 0;
    let sum = 0;
    let squares = 0;
    let side: MarketTrade["side"] = "unknown";
    for (let at = this.#recent.length - 1; at >= 0; at--) {
      const trade = this.#recent[at];
      if (trade === undefined || last.ns - trade.ns > withinNs) break;
      if (Math.abs(trade.size - last.size) > likeness * last.size) continue;
      if (trade.price !== last.price) continue;
      if (alike > 0 && trade.side !== side) changes++;
      side = trade.side;
      alike++;
      sum += trade.size;
      squares += trade.size * trade.size;
    }
    if (alike < count || changes < alternating * (alike - 1)) return;
    const mean = sum / alike;
    raise({
      type: "WASH_TRADING",
      severity: mean >= 4 * this.#meanTrade.mean || alike >= 24 ? "high" : alike >= 14 ? "medium" : "low",
      message: "Trades of one size at one price go back and forth",
      fields: {
        avg_volume: roundedOrZero(mean, 8),
        volume_variance: roundedOrZero(Math.max(0, squares / alike - mean * mean), 8),
        pattern_count: alike,
      },
    });
  }
}
