import type { BookLevel, BookSideName } from "../../book/order-book.js";
import { clamp } from "../rounding.js";
import { RunningQuantile } from "../running-statistics.js";

/** Levels of a side that are checked. */
const checkedLevels = 10;

/** A level with less than the threshold. */
interface LiquidityGap {
  readonly price: number;
  readonly volume: number;
  readonly side: BookSideName;
  /** 1 is the best. */
  readonly level: number;
  /** Integer from 0 to 100: the emptier and the nearer to the best price, the higher. */
  readonly risk: number;
}

export interface GapThreshold {
  /** Units of the instrument; undefined: `ofMedian` times the median level size. */
  readonly units?: number;
  readonly ofMedian: number;
}

/**
 * Thin levels among the best ten of each side, relative to the median size of recent levels, of both sides and all depths.
 * risk = 100 (1 - volume / threshold) (11 - level) / 10.
 */
export class LiquidityGaps {
  found: LiquidityGap[] = [];
  readonly #threshold: GapThreshold;
  readonly #logSize = new RunningQuantile(0.5, 4_000);

  constructor(threshold: GapThreshold) {
    this.#threshold = threshold;
  }

  setTo(other: LiquidityGaps): void {
    this.found = other.found;
    this.#logSize.setTo(other.#logSize);
  }

  /** Median size of the recent levels, in units of the instrument. */
  get medianSize(): number {
    return this.#logSize.count === 0 ? 0 : Math.exp(this.#logSize.value);
  }

  /** Sum of the risks / 100: 0 to 20. */
  get severity(): number {
    let sum = 0;
    for (const gap of this.found) sum += gap.risk;
    return sum / 100;
  }

  update(bids: readonly BookLevel[], asks: readonly BookLevel[]): void {
    // The first frames use their own levels until there is enough data.
    if (this.#logSize.count < 40) this.#learn(bids, asks);
    this.found = [];
    const threshold = this.#threshold.units ?? this.medianSize * this.#threshold.ofMedian;
    this.#find("bid", bids, threshold);
    this.#find("ask", asks, threshold);
    this.#learn(bids, asks);
  }

  #find(side: BookSideName, levels: readonly BookLevel[], threshold: number): void {
    for (let at = 0; at < Math.min(levels.length, checkedLevels); at++) {
      const volume = levels[at]?.[1] ?? 0;
      if (!(volume < threshold)) continue;
      const price = levels[at]?.[0] ?? 0;
      const level = at + 1;
      const risk = Math.round((100 * (1 - volume / threshold) * (checkedLevels + 1 - level)) / checkedLevels);
      this.found.push({ price, volume, side, level, risk: clamp(0, risk, 100) });
    }
  }

  #learn(bids: readonly BookLevel[], asks: readonly BookLevel[]): void {
    for (let at = 0; at < checkedLevels; at++) {
      this.#logSize.add(Math.log(bids[at]?.[1] ?? 0));
      this.#logSize.add(Math.log(asks[at]?.[1] ?? 0));
    }
  }
}
