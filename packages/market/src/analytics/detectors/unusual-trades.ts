import type { RaiseAlert } from "../alert-throttle.js";
import { roundedOrZero } from "../rounding.js";
import { ReturnLevel, RunningMean, RunningQuantile } from "../running-statistics.js";
import type { Thresholds } from "../thresholds.js";
import type { Detector, DetectorInput } from "./detector.js";

/**
 * UNUSUAL_TRADE_SIZE: a trade whose size is several deviations above the mean of the last 20. Sizes have heavy tails, so in the profile
 * `relative` it must also exceed its return level.
 */
export class UnusualTradeSize implements Detector {
  readonly #thresholds: Thresholds["tradeSize"];
  readonly #last = new RunningMean(20);
  /** Return level of the sizes' logarithms. */
  readonly #rare: ReturnLevel;

  constructor(thresholds: Thresholds["tradeSize"]) {
    this.#thresholds = thresholds;
    this.#rare = new ReturnLevel(thresholds.everyS);
  }

  copy(): UnusualTradeSize {
    const copy = new UnusualTradeSize(this.#thresholds);
    copy.#last.setTo(this.#last);
    copy.#rare.setTo(this.#rare);
    return copy;
  }

  detect({ moment, seconds }: DetectorInput, raise: RaiseAlert): void {
    const { z: limit, everyS } = this.#thresholds;
    this.#rare.advance(seconds);
    for (const { size, price, side } of moment.trades) {
      const z = this.#last.score(size);
      const logSize = Math.log(size);
      if (this.#last.count >= 20 && z > limit && (everyS === 0 || logSize > this.#rare.value)) {
        raise({
          type: "UNUSUAL_TRADE_SIZE",
          severity: "low",
          message: side === "sell" ? "An unusually large sale" : "An unusually large purchase",
          fields: { size, price, z_score: roundedOrZero(z, 2) },
        });
      }
      this.#last.add(size);
      this.#rare.add(logSize);
    }
  }
}

/** Number of trades whose gaps are averaged. */
const trades = 5;
const nsPerMs = 1e6;

/**
 * RAPID_TRADING: five consecutive trade times with a mean gap under 100 ms; in the profile `relative` the gap must also be in the lowest
 * thousandth. Trades of one time are one order's executions and count once.
 */
export class RapidTrading implements Detector {
  readonly #thresholds: Thresholds["rapid"];
  readonly #usual = new RunningQuantile(0.001, 2_000);
  readonly #times: number[] = [];
  #rapid = false;

  constructor(thresholds: Thresholds["rapid"]) {
    this.#thresholds = thresholds;
  }

  copy(): RapidTrading {
    const copy = new RapidTrading(this.#thresholds);
    copy.#usual.setTo(this.#usual);
    copy.#times.push(...this.#times);
    copy.#rapid = this.#rapid;
    return copy;
  }

  detect({ before, tradeNs }: DetectorInput, raise: RaiseAlert): void {
    if (before === undefined) this.#times.length = 0;
    for (const ns of tradeNs) {
      if (ns <= (this.#times[this.#times.length - 1] ?? Number.NEGATIVE_INFINITY)) continue;
      this.#times.push(ns);
      if (this.#times.length > trades) this.#times.shift();
      this.#judge(raise);
    }
  }

  #judge(raise: RaiseAlert): void {
    if (this.#times.length < trades) return;
    const gapMs = ((this.#times[trades - 1] ?? 0) - (this.#times[0] ?? 0)) / (trades - 1) / nsPerMs;
    const { gapMs: least, relative } = this.#thresholds;
    const limit = relative ? Math.min(least, this.#usual.value) : least;
    const known = !relative || this.#usual.count > 200;
    const before = this.#rapid;
    this.#rapid = known && gapMs < (before ? 2 * limit : limit);
    this.#usual.add(gapMs);
    if (!this.#rapid || before) return;
    raise({
      type: "RAPID_TRADING",
      severity: "low",
      message: "Trades follow one another faster than usual",
      fields: { mean_gap_ms: roundedOrZero(gapMs, 3), trade_count: trades },
    });
  }
}
