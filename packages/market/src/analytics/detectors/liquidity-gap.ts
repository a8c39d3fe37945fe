import type { BookLevel } from "../../book/order-book.js";
import type { RaiseAlert } from "../alert-throttle.js";
import { roundedOrZero } from "../rounding.js";
import { RunningMean, RunningQuantile } from "../running-statistics.js";
import type { Thresholds } from "../thresholds.js";
import { levelsOf, type Side, sides } from "./book-sides.js";
import type { Detector, DetectorInput } from "./detector.js";

/** Places behind the best price, one typical step between levels apart. */
const places = 10;
/** A gap is over when its evidence falls below this share of the threshold. */
const overAt = 0.6;
/** Frames of data before an alert is possible. */
const leastFrames = 150;

/**
 * LIQUIDITY_GAP: the book is empty near the best price. In the profile `absolute` that is any level of less than 50 units. In the
 * profile `relative` each place behind the best price, one typical step between levels apart, is normally occupied in some share of
 * the frames. If several adjacent places are occupied far less often for some seconds, liquidity has been withdrawn. Places are
 * counted from the best price, so a gap moves with it; while the price moves nothing is learned.
 *
 * The evidence is the scan statistic of Kulldorff (1997), "A spatial scan statistic": over all runs of places the largest logarithm of
 * the likelihood ratio of the recent number of levels, C, to the usual number, N, as Poisson counts: C ln(C / N) + N - C. It is N if
 * all are gone, and much less than N - C if some are left, as in ordinary lulls.
 */
export class LiquidityGap implements Detector {
  readonly #thresholds: Thresholds["gapAlert"];
  /** Logarithm of the price step between levels. */
  readonly #step = new RunningQuantile(0.5, 4_000);
  /** Share of the frames in which each place is occupied. */
  readonly #usual = Array.from({ length: places }, () => new RunningMean(2_000));
  readonly #trackers: readonly GapTracker[];

  constructor(thresholds: Thresholds["gapAlert"]) {
    this.#thresholds = thresholds;
    this.#trackers = sides.map((side) => new GapTracker(side, thresholds, this.#usual));
  }

  copy(): LiquidityGap {
    const copy = new LiquidityGap(this.#thresholds);
    copy.#step.setTo(this.#step);
    for (const [place, usual] of this.#usual.entries()) copy.#usual[place]?.setTo(usual);
    for (const [at, tracker] of this.#trackers.entries()) copy.#trackers[at]?.setTo(tracker);
    return copy;
  }

  detect(scene: DetectorInput, raise: RaiseAlert): void {
    const { moment, before, gaps } = scene;
    if (this.#thresholds.anyThinLevel) {
      if (gaps.found.length > 0) raiseThin(gaps.found, raise);
      return;
    }
    this.#learnSteps(moment.bids);
    this.#learnSteps(moment.asks);
    const step = Math.exp(this.#step.value);
    for (const tracker of this.#trackers) {
      if (before === undefined) tracker.clear();
      else tracker.update(scene, step, raise);
    }
  }

  #learnSteps(levels: readonly BookLevel[]): void {
    for (let at = 1; at <= Math.min(places, levels.length - 1); at++) {
      this.#step.add(Math.log(Math.abs((levels[at]?.[0] ?? 0) - (levels[at - 1]?.[0] ?? 0))));
    }
  }
}

/** Adjacent places that are emptier than usual. */
interface Gap {
  first: number;
  count: number;
  /** Usual number of levels, ... */
  usual: number;
  /** ... the recent number, ... */
  there: number;
  /** ... and the evidence that so few are unusual. */
  evidence: number;
}

class GapTracker {
  readonly #side: Side;
  readonly #thresholds: Thresholds["gapAlert"];
  readonly #usual: readonly RunningMean[];
  readonly #occupied = new Uint8Array(places);
  /** Recent share of time in which each place was occupied. */
  readonly #recent = new Float64Array(places).fill(1);
  /** Average evidence, which is high in thin books whose orders come and go together. */
  readonly #averageEvidence = new RunningMean(6_000);
  #raised = false;

  constructor(side: Side, thresholds: Thresholds["gapAlert"], usual: readonly RunningMean[]) {
    this.#side = side;
    this.#thresholds = thresholds;
    this.#usual = usual;
  }

  /** But for the shares that are usual, which trackers have together. */
  setTo(other: GapTracker): void {
    this.#recent.set(other.#recent);
    this.#averageEvidence.setTo(other.#averageEvidence);
    this.#raised = other.#raised;
  }

  clear(): void {
    this.#recent.fill(1);
    this.#raised = false;
  }

  update({ moment, seconds, steady, gaps }: DetectorInput, step: number, raise: RaiseAlert): void {
    const { name } = this.#side;
    const { steadyS, evidence: least, timesOwn, missing } = this.#thresholds;
    // Orders behind a price that has just moved move too: that is no evidence.
    if (steady[name] < steadyS) return;
    const levels = levelsOf(moment, name);
    this.#note(levels, step, seconds);
    const gap = this.#widest();
    const unlikely = Math.max(least, timesOwn * this.#averageEvidence.mean);
    this.#averageEvidence.add(gap.evidence);
    if (gap.evidence < overAt * least) this.#raised = false;
    const known = (this.#usual[0]?.count ?? 0) > 2 * leastFrames;
    // A suspected gap must not become usual.
    if (!known || gap.evidence < overAt * least) this.#learn();
    if (!known) return;
    if (this.#raised || gap.evidence < unlikely || gap.usual - gap.there < missing) return;
    this.#raised = true;
    this.#raise(gap, levels, step, gaps.medianSize, raise);
  }

  #note(levels: readonly BookLevel[], step: number, seconds: number): void {
    this.#occupied.fill(0);
    const best = levels[0]?.[0] ?? 0;
    for (let at = 1; at < levels.length; at++) {
      const place = Math.round(Math.abs((levels[at]?.[0] ?? 0) - best) / step);
      if (place > places) break;
      if (place > 0) this.#occupied[place - 1] = 1;
    }
    const kept = Math.exp(-seconds / this.#thresholds.tauS);
    for (let place = 0; place < places; place++) {
      const occupied = this.#occupied[place] ?? 0;
      this.#recent[place] = (this.#recent[place] ?? 0) * kept + occupied * (1 - kept);
    }
  }

  #learn(): void {
    for (let place = 0; place < places; place++) this.#usual[place]?.add(this.#occupied[place] ?? 0);
  }

  #widest(): Gap {
    // Evidence is below N - C, so most frames need no logarithm.
    const least = overAt * this.#thresholds.evidence;
    const most: Gap = { first: 0, count: 0, usual: 0, there: 0, evidence: 0 };
    for (let first = 0; first < places; first++) {
      let usual = 0;
      let there = 0;
      for (let place = first; place < places; place++) {
        usual += this.#usual[place]?.mean ?? 0;
        there += this.#recent[place] ?? 0;
        if (usual - there <= Math.max(least, most.evidence)) continue;
        const evidence = usual - there + (there > 0 ? there * Math.log(there / usual) : 0);
        if (evidence <= most.evidence) continue;
        most.first = first;
        most.count = place - first + 1;
        most.usual = usual;
        most.there = there;
        most.evidence = evidence;
      }
    }
    return most;
  }

  #raise(
    { first, count, usual, there }: Gap,
    levels: readonly BookLevel[],
    step: number,
    usualSize: number,
    raise: RaiseAlert,
  ): void {
    const { name, label } = this.#side;
    const best = levels[0]?.[0] ?? 0;
    let last = best;
    for (const [price] of levels) if (Math.round(Math.abs(price - best) / step) <= first) last = price;
    raise({
      type: "LIQUIDITY_GAP",
      severity: usual >= 6.6 ? "high" : usual >= 4.8 ? "medium" : "low",
      message: `Levels near the best ${name} stay empty`,
      fields: {
        side: label,
        gap_count: count,
        // The best level is the first.
        affected_levels: Array.from({ length: count }, (_, n) => first + 2 + n),
        total_gap_volume: roundedOrZero((usual - there) * usualSize, 8),
        // The gap begins behind this price.
        price_level: last,
      },
    });
  }
}

function raiseThin(found: DetectorInput["gaps"]["found"], raise: RaiseAlert): void {
  const levels = [...new Set(found.map(({ level }) => level))].sort((a, b) => a - b);
  const volume = found.reduce((sum, gap) => sum + gap.volume, 0);
  raise({
    type: "LIQUIDITY_GAP",
    severity: found.length > 6 || (levels[0] ?? 0) <= 2 ? "critical" : found.length > 3 ? "high" : "medium",
    message: "Thin levels near the best price",
    fields: { gap_count: found.length, affected_levels: levels, total_gap_volume: roundedOrZero(volume, 8) },
  });
}
