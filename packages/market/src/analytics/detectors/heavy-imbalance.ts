import type { RaiseAlert } from "../alert-throttle.js";
import { roundedOrZero } from "../rounding.js";
import { ReturnLevel } from "../running-statistics.js";
import type { Thresholds } from "../thresholds.js";
import type { Detector, DetectorInput } from "./detector.js";

/** Smaller shares of the other side count as none. */
const leastLeft = 1e-4;

/**
 * HEAVY_IMBALANCE: the book leans to one side by more than half (|obi| > 0.5) and beyond its return level of some minutes; raised
 * once until it is over.
 */
export class HeavyImbalance implements Detector {
  readonly #thresholds: Thresholds["imbalance"];
  /** Return level of -ln(1 - |obi|), since |obi| is at most 1. */
  readonly #rare: ReturnLevel;
  #heavy = false;

  constructor(thresholds: Thresholds["imbalance"]) {
    this.#thresholds = thresholds;
    this.#rare = new ReturnLevel(thresholds.everyS);
  }

  copy(): HeavyImbalance {
    const copy = new HeavyImbalance(this.#thresholds);
    copy.#rare.setTo(this.#rare);
    copy.#heavy = this.#heavy;
    return copy;
  }

  detect({ obi, moment, seconds }: DetectorInput, raise: RaiseAlert): void {
    if (moment.bids.length === 0 || moment.asks.length === 0) return;
    const { least, everyS } = this.#thresholds;
    const size = Math.abs(obi);
    const lean = -Math.log(Math.max(leastLeft, 1 - size));
    const before = this.#heavy;
    // Hysteresis: it is over when the book leans clearly less.
    const share = before ? 0.9 : 1;
    this.#heavy = size > share * least && (everyS === 0 || lean > share * this.#rare.value);
    this.#rare.advance(seconds);
    this.#rare.add(lean);
    if (!this.#heavy || before) return;
    raise({
      type: "HEAVY_IMBALANCE",
      severity: "low",
      message: obi > 0 ? "The book leans heavily to the bids" : "The book leans heavily to the asks",
      fields: { side: obi > 0 ? "BID" : "ASK", obi: roundedOrZero(obi, 4) },
    });
  }
}
