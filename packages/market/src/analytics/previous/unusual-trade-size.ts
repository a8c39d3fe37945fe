import type { Raise } from "../alerts.js";
import { RunningMean, RunningQuantile } from "../own-scale.js";
import type { Detector, Scene } from "../scene.js";
import { tidy } from "../tidy.js";
import type { Thresholds } from "./thresholds.js";

/**
 * UNUSUAL_TRADE_SIZE: a trade whose size lies more than so many deviations above the mean of the last 20. Sizes have heavy tails,
 * so relative thresholds also ask that it is a large one among the last thousand.
 */
export class UnusualTradeSize implements Detector {
  readonly #thresholds: Thresholds["tradeSize"];
  readonly #last = new RunningMean(20);
  readonly #large = new RunningQuantile(0.998, 1_000);

  constructor(thresholds: Thresholds["tradeSize"]) {
    this.#thresholds = thresholds;
  }

  look({ moment }: Scene, raise: Raise): void {
    const { z: limit, ofLarge } = this.#thresholds;
    for (const { size, price, side } of moment.trades) {
      const z = this.#last.score(size);
      const large = ofLarge === 0 || (this.#large.count > 100 && size > ofLarge * this.#large.value);
      if (this.#last.count >= 20 && z > limit && large) {
        raise({
          type: "UNUSUAL_TRADE_SIZE",
          severity: "low",
          message: side === "sell" ? "An unusually large sale" : "An unusually large purchase",
          fields: { size, price, z_score: tidy(z, 2) },
        });
      }
      this.#last.note(size);
      this.#large.note(size);
    }
  }
}
