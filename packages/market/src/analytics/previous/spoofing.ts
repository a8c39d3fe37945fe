import type { Severity } from "@tapedeck/protocol";
import type { FrameMoment } from "../../analytics.js";
import type { BookLevel } from "../../order-book.js";
import type { Raise } from "../alerts.js";
import { levelsOf, type Side, sides, sizeAt, takenAt } from "../detectors/levels.js";
import { RunningMean, RunningQuantile } from "../own-scale.js";
import type { Detector, Scene } from "../scene.js";
import { between, tidy } from "../tidy.js";
import type { Thresholds } from "./thresholds.js";

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
}

/** An order that comes to another price so soon before or after is the same one, moved. */
const moveNs = 450e6;
/** Orders of one hand are of like size: none more than so many times another. */
const likeness = 1.7;
/** Suspects of a side at once; more than these are none that stand out. */
const mostSuspects = 4;
/** An order shorter than this was not there to be seen by people or their programs. */
const leastNs = 250e6;
/** Frames before which nothing is known of the usual size. */
const leastFrames = 100;

/**
 * SPOOFING: the best level suddenly holds many times what it usually does, and soon, all at once, nothing of that any more, without
 * trades that explain it: somebody showed what they did not mean. Anyone may change their mind once, so an alert takes several
 * within seconds, the fewer the larger they are; in the profile `absolute` one is enough. After Lee, Eom and Park (2013), "Microstructure-based
 * manipulation: strategic behavior and performance of spoofing traders".
 */
export class Spoofing implements Detector {
  /** 0 to 100: how much like it the last seconds looked. */
  risk = 0;
  readonly #sides: readonly SideWatch[];

  constructor(thresholds: Thresholds["spoofing"]) {
    this.#sides = sides.map((side) => new SideWatch(side, thresholds));
  }

  look(scene: Scene, raise: Raise): void {
    this.risk *= Math.exp(-scene.seconds / 10);
    for (const side of this.#sides) this.risk = Math.max(this.risk, side.look(scene, raise));
  }
}

class SideWatch {
  readonly #side: Side;
  readonly #thresholds: Thresholds["spoofing"];
  readonly #usual = new RunningMean(1_500);
  readonly #large = new RunningQuantile(0.98, 1_500);
  #pulled: Pull[] = [];
  /** The last one, while it may yet turn out to have moved to another price. */
  #doubtful: Pull | undefined;
  #suspects: Suspect[] = [];

  constructor(side: Side, thresholds: Thresholds["spoofing"]) {
    this.#side = side;
    this.#thresholds = thresholds;
  }

  /** The risk that it sees. */
  look({ moment, before }: Scene, raise: Raise): number {
    const levels = levelsOf(moment, this.#side.name);
    let risk = 0;
    if (before === undefined) {
      this.#suspects = [];
      this.#doubtful = undefined;
    } else {
      if (this.#suspects.length > 0) this.#followAll(moment, before);
      if (this.#doubtful !== undefined && moment.ns - this.#doubtful.ns >= (this.#thresholds.atOnce ? moveNs : 0)) {
        risk = this.#judge(this.#doubtful, moment.ns, raise);
        this.#doubtful = undefined;
      }
      if (this.#usual.count > leastFrames) this.#find(levels, levelsOf(before, this.#side.name), moment.ns);
    }
    const best = levels[0]?.[1];
    if (best !== undefined) {
      this.#usual.note(best);
      this.#large.note(best);
    }
    for (const { ratio } of this.#suspects) risk = Math.max(risk, Math.min(50, 3 * ratio));
    return risk;
  }

  #followAll(moment: FrameMoment, previous: FrameMoment): void {
    const there: Suspect[] = [];
    for (const suspect of this.#suspects) {
      const outcome = this.#follow(suspect, moment, previous);
      if (outcome === "there") there.push(suspect);
      const { price, ratio } = suspect;
      if (outcome === "pulled") this.#doubtful = { price, ratio, ns: moment.ns };
    }
    this.#suspects = there;
  }

  #find(levels: readonly BookLevel[], before: readonly BookLevel[], ns: number): void {
    const { growth, ofLarge } = this.#thresholds;
    const [price, size] = levels[0] ?? [0, 0];
    const usual = this.#usual.mean;
    if (size < growth * usual || size < ofLarge * this.#large.value || this.#suspects.length >= mostSuspects) return;
    const was = sizeAt(before, price, this.#side.inward);
    if (was === undefined || size - was < growth * usual) return;
    if (this.#suspects.some((suspect) => suspect.price === price)) return;
    if (this.#doubtful !== undefined && (size - was) / usual > 0.5 * this.#doubtful.ratio) this.#doubtful = undefined;
    this.#suspects.push({
      price,
      fromNs: ns,
      ratio: (size - was) / usual,
      before: was,
      peak: size,
      last: size,
      taken: 0,
    });
  }

  #follow(suspect: Suspect, moment: FrameMoment, previous: FrameMoment): "there" | "pulled" | "gone" {
    const { price, fromNs, before, last } = suspect;
    const { left, withinNs, atOnce } = this.#thresholds;
    suspect.taken += takenAt(moment.trades, price, this.#side);
    const size = sizeAt(levelsOf(moment, this.#side.name), price, this.#side.inward);
    const ageNs = moment.ns - fromNs;
    if (size === undefined || ageNs > withinNs) return "gone";
    suspect.peak = Math.max(suspect.peak, size);
    suspect.last = size;
    const came = suspect.peak - before;
    if (size - before >= left * came) return "there";
    if (suspect.taken >= 0.2 * came) return "gone";
    if (!atOnce) return "pulled";
    return last - size > 0.6 * came && ageNs > leastNs && !this.#moved(suspect, moment, previous) ? "pulled" : "gone";
  }

  /** As much has come to another level: who stands at a price that is no longer good moves on, and means it. */
  #moved(suspect: Suspect, moment: FrameMoment, previous: FrameMoment): boolean {
    const { name, inward } = this.#side;
    const levels = levelsOf(moment, name);
    const came = suspect.peak - suspect.before;
    for (const other of this.#suspects) {
      if (other !== suspect && moment.ns - other.fromNs < moveNs && other.peak - other.before > 0.5 * came) return true;
    }
    for (let at = 0; at < Math.min(levels.length, 5); at++) {
      const [price = 0, size = 0] = levels[at] ?? [];
      if (size > 0.5 * came && size - (sizeAt(levelsOf(previous, name), price, inward) ?? 0) > 0.5 * came) return true;
    }
    return false;
  }

  #judge({ price, ratio, ns: pulledNs }: Pull, ns: number, raise: Raise): number {
    const { evidence, spanNs } = this.#thresholds;
    this.#pulled = [...this.#pulled.slice(-20), { ns: pulledNs, ratio, price }].filter((pull) => ns - pull.ns < spanNs);
    const pulled = this.#pulled.filter((pull) => Math.max(pull.ratio / ratio, ratio / pull.ratio) < likeness);
    const weight = pulled.reduce((sum, pull) => sum + Math.min(2, pull.ratio / 5), 0);
    if (weight < evidence) return between(0, 5 * ratio, 70);
    const mean = pulled.reduce((sum, pull) => sum + pull.ratio, 0) / pulled.length;
    raise({
      type: "SPOOFING",
      severity: severityOf(mean, pulled.length),
      message: `Large ${this.#side.name} orders are shown and taken back before they trade`,
      fields: { side: this.#side.label, volume_ratio: tidy(mean, 2), price_level: price, times: pulled.length },
    });
    return between(60, 2 * mean + 15 * pulled.length, 100);
  }
}

function severityOf(ratio: number, times: number): Severity {
  if (ratio >= 20) return times >= 4 ? "critical" : "high";
  return ratio >= 12 ? "medium" : "low";
}
