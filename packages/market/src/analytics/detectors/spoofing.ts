import type { Severity } from "@tapedeck/protocol";
import type { BookLevel } from "../../book/order-book.js";
import type { FrameMoment } from "../../frame/frame-analytics.js";
import type { RaiseAlert } from "../alert-throttle.js";
import { clamp, roundedOrZero } from "../rounding.js";
import { RunningMean } from "../running-statistics.js";
import type { Thresholds } from "../thresholds.js";
import { levelsOf, type Side, sides, sizeAt, takenAt } from "./book-sides.js";
import type { Detector, DetectorInput } from "./detector.js";

/** A level that suddenly became large. */
interface Suspect {
  readonly price: number;
  readonly fromNs: number;
  /** Gain relative to the mean best size. */
  readonly ratio: number;
  readonly before: number;
  peak: number;
  last: number;
  taken: number;
}

/** A cancelled order. */
interface Cancellation {
  readonly ns: number;
  readonly ratio: number;
  readonly price: number;
  readonly size: number;
}

/** An order that appears at another price this soon afterwards is the same order, moved. */
const moveNs = 250e6;
/** Least share of it that must appear elsewhere to count as moved. */
const sameSize = 0.3;
/** Orders of one trader have similar sizes: largest ratio. */
const likeness = 1.5;
/** Most suspects of a side at once. */
const mostSuspects = 4;
/** Most cancellations kept. */
const mostPulls = 20;
/** Frames of data before there is a mean size. */
const leastFrames = 100;

/**
 * SPOOFING: the best level suddenly has many times its usual size, and soon all of that disappears at once, not explained by trades and
 * without reappearing at another level: the order was never meant to trade. A genuine order follows the price, so it reappears
 * elsewhere at once. A single cancellation proves nothing, so an alert needs two of similar size on one side within seconds; in the
 * profile `absolute` one is enough. After Lee, Eom and Park (2013),
 * "Microstructure-based manipulation: strategic behavior and performance of spoofing traders".
 */
export class Spoofing implements Detector {
  /** Spoofing risk of the last seconds, 0 to 100. */
  risk = 0;
  readonly #thresholds: Thresholds["spoofing"];
  readonly #sides: readonly SpoofTracker[];

  constructor(thresholds: Thresholds["spoofing"]) {
    this.#thresholds = thresholds;
    this.#sides = sides.map((side) => new SpoofTracker(side, thresholds));
  }

  copy(): Spoofing {
    const copy = new Spoofing(this.#thresholds);
    copy.risk = this.risk;
    for (const [at, side] of this.#sides.entries()) copy.#sides[at]?.setTo(side);
    return copy;
  }

  detect(scene: DetectorInput, raise: RaiseAlert): void {
    this.risk *= Math.exp(-scene.seconds / 10);
    for (const side of this.#sides) this.risk = Math.max(this.risk, side.update(scene, raise));
  }
}

class SpoofTracker {
  readonly #side: Side;
  readonly #thresholds: Thresholds["spoofing"];
  readonly #bestSize = new RunningMean(1_500);
  #cancelled: Cancellation[] = [];
  /** Cancellations that may turn out to be moved orders. */
  #undecided: Cancellation[] = [];
  #suspects: Suspect[] = [];

  constructor(side: Side, thresholds: Thresholds["spoofing"]) {
    this.#side = side;
    this.#thresholds = thresholds;
  }

  setTo(other: SpoofTracker): void {
    this.#bestSize.setTo(other.#bestSize);
    this.#cancelled = [...other.#cancelled];
    this.#undecided = [...other.#undecided];
    this.#suspects = other.#suspects.map((suspect) => ({ ...suspect }));
  }

  /** Returns the side's risk. */
  update({ moment, before }: DetectorInput, raise: RaiseAlert): number {
    const levels = levelsOf(moment, this.#side.name);
    let risk = 0;
    if (before === undefined) {
      this.#suspects = [];
      this.#undecided = [];
    } else {
      const levelsBefore = levelsOf(before, this.#side.name);
      if (this.#suspects.length > 0) this.#suspects = this.#suspects.filter((one) => this.#isOpen(one, moment));
      if (this.#undecided.length > 0) risk = this.#settle(levels, levelsBefore, moment.ns, raise);
      if (this.#bestSize.count > leastFrames) this.#find(levels, levelsBefore, moment.ns);
    }
    this.#bestSize.add(levels[0]?.[1] ?? Number.NaN);
    for (const { ratio } of this.#suspects) risk = Math.max(risk, Math.min(50, 3 * ratio));
    return risk;
  }

  #find(levels: readonly BookLevel[], before: readonly BookLevel[], ns: number): void {
    const [price, size] = levels[0] ?? [0, 0];
    const usual = this.#bestSize.mean;
    const least = this.#thresholds.growth * usual;
    if (size < least || this.#suspects.length >= mostSuspects) return;
    const was = sizeAt(before, price, this.#side.inward);
    if (was === undefined || size - was < least) return;
    if (this.#suspects.some((suspect) => suspect.price === price)) return;
    const ratio = (size - was) / usual;
    this.#suspects.push({ price, fromNs: ns, ratio, before: was, peak: size, last: size, taken: 0 });
  }

  /** Whether the suspect is still undecided. A cancelled one is added to `#undecided`. */
  #isOpen(suspect: Suspect, moment: FrameMoment): boolean {
    const { price, ratio, fromNs, before, last } = suspect;
    const { left, withinNs, atOnce } = this.#thresholds;
    suspect.taken += takenAt(moment.trades, price, this.#side);
    const size = sizeAt(levelsOf(moment, this.#side.name), price, this.#side.inward);
    if (size === undefined || moment.ns - fromNs > withinNs) return false;
    suspect.peak = Math.max(suspect.peak, size);
    suspect.last = size;
    const came = suspect.peak - before;
    if (size - before >= left * came) return true;
    const isPull = suspect.taken < 0.2 * came && (!atOnce || last - size > 0.6 * came);
    if (isPull) this.#undecided.push({ price, ratio, ns: moment.ns, size: came });
    return false;
  }

  /** Decides which cancellations were moves, and judges the others once it is late enough. */
  #settle(levels: readonly BookLevel[], before: readonly BookLevel[], ns: number, raise: RaiseAlert): number {
    const { atOnce } = this.#thresholds;
    let risk = 0;
    this.#undecided = this.#undecided.filter((pull) => {
      if (atOnce && this.#reappeared(pull, levels, before)) return false;
      if (atOnce && ns - pull.ns < moveNs) return true;
      risk = Math.max(risk, this.#judge(pull, ns, raise));
      return false;
    });
    return risk;
  }

  #reappeared(
    { price, size: gone }: Cancellation,
    levels: readonly BookLevel[],
    before: readonly BookLevel[],
  ): boolean {
    const least = sameSize * gone;
    for (const [other, size] of levels) {
      if (other !== price && size > least && size - (sizeAt(before, other, this.#side.inward) ?? 0) > least)
        return true;
    }
    return false;
  }

  #judge(pull: Cancellation, ns: number, raise: RaiseAlert): number {
    const { times, spanNs } = this.#thresholds;
    const { ratio, price } = pull;
    this.#cancelled = [...this.#cancelled.slice(1 - mostPulls), pull].filter((one) => ns - one.ns < spanNs);
    const alike = this.#cancelled.filter((one) => Math.max(one.ratio / ratio, ratio / one.ratio) < likeness);
    if (alike.length < times) return clamp(0, 5 * ratio, 70);
    const mean = alike.reduce((sum, one) => sum + one.ratio, 0) / alike.length;
    raise({
      type: "SPOOFING",
      severity: severityOf(mean, alike.length),
      message: `Large ${this.#side.name} orders are shown and taken back before they trade`,
      fields: { side: this.#side.label, volume_ratio: roundedOrZero(mean, 2), price_level: price, times: alike.length },
    });
    return clamp(60, 2 * mean + 15 * alike.length, 100);
  }
}

function severityOf(ratio: number, times: number): Severity {
  if (ratio >= 15) return times >= 4 ? "critical" : "high";
  return ratio >= 9.5 ? "medium" : "low";
}
