import type { Raise } from "../alerts.js";
import { RunningQuantile } from "../own-scale.js";
import type { Detector, Scene } from "../scene.js";
import { tidy } from "../tidy.js";
import type { Thresholds } from "./thresholds.js";

/**
 * HEAVY_IMBALANCE: the book leans to one side by more than half (|obi| > 0.5), and by more than it nearly ever does; once for as
 * long as it stays so.
 */
export class HeavyImbalance implements Detector {
  readonly #thresholds: Thresholds["imbalance"];
  readonly #usual = new RunningQuantile(0.998, 3_000);
  #heavy = false;

  constructor(thresholds: Thresholds["imbalance"]) {
    this.#thresholds = thresholds;
  }

  look({ obi, moment }: Scene, raise: Raise): void {
    if (moment.bids.length === 0 || moment.asks.length === 0) return;
    const { least, relative } = this.#thresholds;
    const size = Math.abs(obi);
    const limit = relative ? Math.max(least, this.#usual.value) : least;
    const known = !relative || this.#usual.count > 200;
    const before = this.#heavy;
    this.#heavy = known && size > (before ? 0.9 * limit : limit);
    this.#usual.note(size);
    if (!this.#heavy || before) return;
    raise({
      type: "HEAVY_IMBALANCE",
      severity: "low",
      message: obi > 0 ? "The book leans heavily to the bids" : "The book leans heavily to the asks",
      fields: { side: obi > 0 ? "BID" : "ASK", obi: tidy(obi, 4) },
    });
  }
}
