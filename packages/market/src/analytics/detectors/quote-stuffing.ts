import type { RaiseAlert } from "../alert-throttle.js";
import { roundedOrZero } from "../rounding.js";
import { DecayingSum, RecentRate } from "../running-statistics.js";
import type { Thresholds } from "../thresholds.js";
import type { Detector, DetectorInput } from "./detector.js";

/** Seconds of data before there is a usual rate. */
const leastSeconds = 10;

/**
 * QUOTE_STUFFING: far more book updates than usual, and enough to slow others down. The rate is that of the last second (weights
 * e^(-age / 1 s)); the usual rate is that of the last two minutes, which learns little from suspected stuffing. After
 * Egginton, Van Ness and Van Ness (2016), "Quote stuffing".
 */
export class QuoteStuffing implements Detector {
  readonly #thresholds: Thresholds["stuffing"];
  readonly #now = new DecayingSum(1);
  readonly #usual = new RecentRate(120);
  #seconds = 0;

  constructor(thresholds: Thresholds["stuffing"]) {
    this.#thresholds = thresholds;
  }

  copy(): QuoteStuffing {
    const copy = new QuoteStuffing(this.#thresholds);
    copy.#now.setTo(this.#now);
    copy.#usual.setTo(this.#usual);
    copy.#seconds = this.#seconds;
    return copy;
  }

  detect({ moment, before, seconds }: DetectorInput, raise: RaiseAlert): void {
    const { perSecond, timesUsual, lastingS } = this.#thresholds;
    if (before === undefined) {
      this.#now.clear();
      this.#seconds = 0;
      return;
    }
    this.#now.add(seconds, moment.updates);
    const rate = this.#now.value;
    const usual = this.#usual.rate;
    const busy = this.#usual.knownSeconds > leastSeconds && rate > perSecond && rate > timesUsual * usual;
    this.#seconds = busy ? this.#seconds + seconds : 0;
    // An unusual rate is learned only in part, in case the market has changed permanently.
    this.#usual.add(seconds, busy ? Math.min(moment.updates, 2 * usual * seconds) : moment.updates);
    if (!busy || this.#seconds < lastingS) return;
    const times = rate / usual;
    raise({
      type: "QUOTE_STUFFING",
      severity: times >= 9 ? "high" : times >= 5.5 ? "medium" : "low",
      message: "Far more book updates than usual",
      fields: { update_rate: roundedOrZero(rate, 1), avg_rate: roundedOrZero(usual, 1) },
    });
  }
}
