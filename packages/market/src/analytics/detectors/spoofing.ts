import type { Severity } from "@tapedeck/protocol";
import type { BookLevel } from "../../book/order-book.js";
import type { FrameMoment } from "../../frame/frame-analytics.js";
import type { RaiseAlert } from "../alert-throttle.js";
import { clamp, roundedOrZero } from "../rounding.js";
import { RunningMean } from "../running-statistics.js";
import type { Thresholds } from "../thresholds.js";
import { levelsOf, type Side, sides, sizeAt, takenAt } from "./book-sides.js";
import type { Detector, DetectorInput } from "./detector.js";

/** A level that has just become large. */
interface Suspect {
  readonly price: number;
  readonly fromNs: number;
  /** What came, of the usual best size. */
  readonly ratio: number;
  readonly before: number;
  peak: number;
  last: number;
  taken: number;
}

/** An order that was taken back. */
interface Pull {
  readonly ns: number;
  readonly ratio: number;
  readonly price: number;
  readonly size: number;
}

/** An order that comes to another price so soon afterwards is the same one, moved. */
const moveNs = 250e6;
/** So much of it, or more, has to come elsewhere to be it. */
const sameSize = 0.3;
/** Orders of one hand are of like size: none more than so many times another. */
const likeness = 1.5;
/** Suspects of a side at once; more than these are none that stand out. */
const mostSuspects = 4;
/** Orders taken back that are remembered. */
const mostPulls = 20;
/** Frames before which nothing is known of the usual size. */
const leastFrames = 100;

/**
 * SPOOFING: the best level suddenly holds many times what it usually does, and soon, all at once, nothing of that any more, without
 * trades that explain it, and nothing like it comes to another level: somebody showed what they did not mean. Whoever means it
 * follows the price, so that a large size that goes comes again elsewhere at once. Anyone may change their mind once, so an alert
 * takes two of like size on one side within seconds; in the profile `absolute` one is enough. After Lee, Eom and Park (2013),
 * "Microstructure-based manipulation: strategic behavior and performance of spoofing traders".
 */
export class Spoofing implements Detector {
  /** 0 to 100: how much like it the last seconds looked. */
  risk = 0;
  readonly #sides: readonly SpoofTracker[];

  constructor(thresholds: Thresholds["spoofing"]) {
    this.#sides = sides.map((side) => new SpoofTracker(side, thresholds));
  }

  detect(scene: DetectorInput, raise: RaiseAlert): void {
    this.risk *= Math.exp(-scene.seconds / 10);
    for (const side of this.#sides) this.risk = Math.max(this.risk, side.look(scene, raise));
  }
}

class SpoofTracker {
  readonly #side: Side;
  readonly #thresholds: Thresholds["spoofing"];
  readonly #usual = new RunningMean(1_500);
  #pulled: Pull[] = [];
  /** Those that may yet turn out to have moved to another price. */
  #doubtful: Pull[] = [];
  #suspects: Suspect[] = [];

  constructor(side: Side, thresholds: Thresholds["spoofing"]) {
    this.#side = side;
    this.#thresholds = thresholds;
  }

  /** The risk that it sees. */
  look({ moment, before }: DetectorInput, raise: RaiseAlert): number {
    const levels = levelsOf(moment, this.#side.name);
    let risk = 0;
    if (before === undefined) {
      this.#suspects = [];
      this.#doubtful = [];
    } else {
      const levelsBefore = levelsOf(before, this.#side.name);
      if (this.#suspects.length > 0) this.#suspects = this.#suspects.filter((one) => this.#isThere(one, moment));
      if (this.#doubtful.length > 0) risk = this.#settle(levels, levelsBefore, moment.ns, raise);
      if (this.#usual.count > leastFrames) this.#find(levels, levelsBefore, moment.ns);
    }
    this.#usual.add(levels[0]?.[1] ?? Number.NaN);
    for (const { ratio } of this.#suspects) risk = Math.max(risk, Math.min(50, 3 * ratio));
    return risk;
  }

  #find(levels: readonly BookLevel[], before: readonly BookLevel[], ns: number): void {
    const [price, size] = levels[0] ?? [0, 0];
    const usual = this.#usual.mean;
    const least = this.#thresholds.growth * usual;
    if (size < least || this.#suspects.length >= mostSuspects) return;
    const was = sizeAt(before, price, this.#side.inward);
    if (was === undefined || size - was < least) return;
    if (this.#suspects.some((suspect) => suspect.price === price)) return;
    const ratio = (size - was) / usual;
    this.#suspects.push({ price, fromNs: ns, ratio, before: was, peak: size, last: size, taken: 0 });
  }

  /** Whether it is still to be seen what becomes of it. One that was taken back is put down as doubtful. */
  #isThere(suspect: Suspect, moment: FrameMoment): boolean {
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
    if (isPull) this.#doubtful.push({ price, ratio, ns: moment.ns, size: came });
    return false;
  }

  /** Decides of those in doubt: they have moved, or were taken back, or it is too early to tell. */
  #settle(levels: readonly BookLevel[], before: readonly BookLevel[], ns: number, raise: RaiseAlert): number {
    const { atOnce } = this.#thresholds;
    let risk = 0;
    this.#doubtful = this.#doubtful.filter((pull) => {
      if (atOnce && this.#cameElsewhere(pull, levels, before)) return false;
      if (atOnce && ns - pull.ns < moveNs) return true;
      risk = Math.max(risk, this.#judge(pull, ns, raise));
      return false;
    });
    return risk;
  }

  #cameElsewhere({ price, size: gone }: Pull, levels: readonly BookLevel[], before: readonly BookLevel[]): boolean {
    const least = sameSize * gone;
    for (const [other, size] of levels) {
      if (other !== price && size > least && size - (sizeAt(before, other, this.#side.inward) ?? 0) > least)
        return true;
    }
    return false;
  }

  #judge(pull: Pull, ns: number, raise: RaiseAlert): number {
    const { times, spanNs } = this.#thresholds;
    const { ratio, price } = pull;
    this.#pulled = [...this.#pulled.slice(1 - mostPulls), pull].filter((one) => ns - one.ns < spanNs);
    const alike = this.#pulled.filter((one) => Math.max(one.ratio / ratio, ratio / one.ratio) < likeness);
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
