import type { Raise } from "../alerts.js";
import { RareValue, RunningMean } from "../own-scale.js";
import type { Detector, Scene } from "../scene.js";
import type { Thresholds } from "../thresholds.js";
import { tidy } from "../tidy.js";

/**
 * UNUSUAL_TRADE_SIZE: a trade whose size lies more than so many deviations above the mean of the last 20. Sizes have heavy tails,
 * so relative thresholds also ask that it is as large as one in some minutes.
 */
export class UnusualTradeSize implements Detector {
  readonly #thresholds: Thresholds["tradeSize"];
  readonly #last = new RunningMean(20);
  /** Of the sizes' logarithms. */
  readonly #rare: RareValue;

  constructor(thresholds: Thresholds["tradeSize"]) {
    this.#thresholds = thresholds;
    this.#rare = new RareValue(thresholds.everyS);
  }

  look({ moment, seconds }: Scene, raise: Raise): void {
    const { z: limit, everyS } = this.#thresholds;
    this.#rare.pass(seconds);
    for (const { size, price, side } of moment.trades) {
      const z = this.#last.score(size);
      const logSize = Math.log(size);
      if (this.#last.count >= 20 && z > limit && (everyS === 0 || logSize > this.#rare.value)) {
        raise({
          type: "UNUSUAL_TRADE_SIZE",
          severity: "low",
          message: side === "sell" ? "An unusually large sale" : "An unusually large purchase",
          fields: { size, price, z_score: tidy(z, 2) },
        });
      }
      this.#last.note(size);
      this.#rare.note(logSize);
    }
  }
}
