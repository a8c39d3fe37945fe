import type { RaiseAlert } from "../alert-throttle.js";
import { roundedOrZero } from "../rounding.js";
import { ReturnLevel, RunningMean } from "../running-statistics.js";
import type { Thresholds } from "../thresholds.js";
import type { Detector, DetectorInput } from "./detector.js";

/**
 * UNUSUAL_TRADE_SIZE: a trade whose size lies more than so many deviations above the mean of the last 20. Sizes have heavy tails,
 * so relative thresholds also ask that it is as large as one in some minutes.
 */
export class UnusualTradeSize implements Detector {
  readonly #thresholds: Thresholds["tradeSize"];
  readonly #last = new RunningMean(20);
  /** Of the sizes' logarithms. */
  readonly #rare: ReturnLevel;

  constructor(thresholds: Thresholds["tradeSize"]) {
    this.#thresholds = thresholds;
    this.#rare = new ReturnLevel(thresholds.everyS);
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
