import type { RaiseAlert } from "../alert-throttle.js";
import { roundedOrZero } from "../rounding.js";
import { RunningQuantile } from "../running-statistics.js";
import type { Thresholds } from "../thresholds.js";
import type { Detector, DetectorInput } from "./detector.js";

/** Trades whose gaps count. */
const trades = 5;
const factor = 1e6;

/**
 * RAPID_TRADING: five moments of trading in a row with a mean gap under 100 ms; relative: shorter than nearly always, too. Trades of
 * one time are one order meeting several others, and count as one.
 */
export class RapidTrading implements Detector {
  readonly #thresholds: Thresholds["rapid"];
  readonly #usual = new RunningQuantile(0.001, 2_000);
  readonly #times: number[] = [];
  #rapid = false;

  constructor(thresholds: Thresholds["rapid"]) {
    this.#thresholds = thresholds;
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
    const gapMs = ((this.#times[trades - 1] ?? 0) - (this.#times[0] ?? 0)) / (trades - 1) / factor;
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
