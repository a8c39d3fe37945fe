import type { BookLevel } from "../../book/order-book.js";
import type { FrameMoment } from "../../frame/frame-analytics.js";
import type { RaiseAlert } from "../alert-throttle.js";
import { roundedOrZero } from "../rounding.js";
import { RunningMean } from "../running-statistics.js";
import type { Thresholds } from "../thresholds.js";
import { levelsOf, type Side, sides, sizeAt, takenAt } from "./book-sides.js";
import type { Detector, DetectorInput } from "./detector.js";

const checkedLevels = 10;
/** Most tracked levels of a side. */
const mostLayers = 24;
const leastFrames = 100;

/** A level that gained much at once. */
interface Layer {
  readonly price: number;
  readonly added: number;
  readonly before: number;
  readonly ns: number;
  taken: number;
  gone: { readonly ns: number; readonly levelsBefore: readonly BookLevel[] } | undefined;
}

/**
 * LAYERING: several levels of one side gain unusually much at the same time, the other side does not, and soon they lose it at the same
 * time, untraded and without reappearing at other levels: a wall of orders that were never meant to trade. In the profile `absolute`
 * the wall alone is enough. ESMA/2012/122, "Systems and controls in an automated trading environment", describes the practice.
 *
 * A genuine wall that moves reappears elsewhere. So the lost size is compared with all size gained elsewhere, not order by order: at any
 * time some level gains as much as one small order of the wall, but not as much as the whole wall.
 */
export class Layering implements Detector {
  readonly #thresholds: Thresholds["layering"];
  readonly #trackers: readonly WallTracker[];
  /** Mean size of the best levels. */
  readonly #bestSize = new RunningMean(3_000);

  constructor(thresholds: Thresholds["layering"]) {
    this.#thresholds = thresholds;
    this.#trackers = sides.map((side) => new WallTracker(side, thresholds));
  }

  copy(): Layering {
    const copy = new Layering(this.#thresholds);
    copy.#bestSize.setTo(this.#bestSize);
    for (const [at, tracker] of copy.#trackers.entries()) {
      tracker.layers = (this.#trackers[at]?.layers ?? []).map((layer) => ({ ...layer }));
    }
    return copy;
  }

  detect({ moment, before }: DetectorInput, raise: RaiseAlert): void {
    const usual = this.#bestSize.mean;
    const [bids, asks] = this.#trackers;
    for (const tracker of this.#trackers) {
      if (before === undefined || this.#bestSize.count < leastFrames) tracker.layers = [];
      else tracker.update(moment, before, usual);
    }
    if (bids !== undefined && asks !== undefined) {
      bids.judge(moment, asks, usual, raise);
      asks.judge(moment, bids, usual, raise);
    }
    this.#bestSize.add(moment.bids[0]?.[1] ?? Number.NaN);
    this.#bestSize.add(moment.asks[0]?.[1] ?? Number.NaN);
  }
}

class WallTracker {
  layers: Layer[] = [];
  readonly #side: Side;
  readonly #thresholds: Thresholds["layering"];

  constructor(side: Side, thresholds: Thresholds["layering"]) {
    this.#side = side;
    this.#thresholds = thresholds;
  }

  update(moment: FrameMoment, before: FrameMoment, usual: number): void {
    const { inward, name } = this.#side;
    // Genuine orders behind a moving price move too.
    const moved = this.#thresholds.pulled && levelsOf(moment, name)[0]?.[0] !== levelsOf(before, name)[0]?.[0];
    if (this.layers.length > 0) this.#follow(moment, before);
    if (moved) return;
    const least = this.#thresholds.growth * usual;
    const levels = levelsOf(moment, name);
    const levelsBefore = levelsOf(before, name);
    for (let at = 0; at < Math.min(checkedLevels, levels.length); at++) {
      const [price = 0, size = 0] = levels[at] ?? [];
      if (size < least || this.layers.length >= mostLayers) continue;
      const was = sizeAt(levelsBefore, price, inward);
      if (was === undefined || size - was < least || this.layers.some((layer) => layer.price === price)) continue;
      this.layers.push({ price, added: size - was, before: was, ns: moment.ns, taken: 0, gone: undefined });
    }
  }

  /** Raises an alert if levels that appeared together have just disappeared together. */
  judge(moment: FrameMoment, other: WallTracker, usual: number, raise: RaiseAlert): void {
    const { levels: least, pulled, togetherNs, moved } = this.#thresholds;
    if (this.layers.length < least) return;
    const counted = pulled ? this.layers.filter(({ gone }) => gone !== undefined) : this.layers;
    const wall = placedTogether(counted, togetherNs);
    // A market maker that moves all quotes of one side also moves those of the other.
    const opposite = placedTogether(other.layers, togetherNs).filter((layer) => near(layer, wall[0], togetherNs));
    if (wall.length < least || wall.length - opposite.length < least - 1) return;
    const units = wall.reduce((sum, { added }) => sum + added, 0);
    if (pulled && this.#gainedElsewhere(wall, levelsOf(moment, this.#side.name)) >= moved * units) return;
    const score = units / usual;
    const each = score / wall.length;
    raise({
      type: "LAYERING",
      severity: each >= 6.5 ? "high" : each >= 4.2 ? "medium" : "low",
      message: `Several ${this.#side.name} levels grow at once and are taken back together`,
      fields: { side: this.#side.label, score: roundedOrZero(score, 2), large_order_count: wall.length },
    });
    this.layers = this.layers.filter((layer) => !wall.includes(layer));
  }

  #follow(moment: FrameMoment, before: FrameMoment): void {
    const { withinNs, togetherNs } = this.#thresholds;
    const levels = levelsOf(moment, this.#side.name);
    const { ns } = moment;
    const levelsBefore = levelsOf(before, this.#side.name);
    this.layers = this.layers.filter((layer) => {
      if (layer.gone !== undefined) return ns - layer.gone.ns <= togetherNs;
      if (ns - layer.ns > withinNs) return false;
      layer.taken += takenAt(moment.trades, layer.price, this.#side);
      const size = sizeAt(levels, layer.price, this.#side.inward);
      if (size === undefined) return false;
      if (size - layer.before >= 0.3 * layer.added) return true;
      layer.gone = { ns, levelsBefore };
      return layer.taken < 0.5 * layer.added;
    });
  }

  /** Units that other levels have gained since just before the wall began to disappear. */
  #gainedElsewhere(wall: readonly Layer[], levels: readonly BookLevel[]): number {
    const [first] = wall.flatMap(({ gone }) => gone ?? []).sort((a, b) => a.ns - b.ns);
    if (first === undefined) return 0;
    let units = 0;
    for (const [price, size] of levels) {
      if (wall.some((layer) => layer.price === price)) continue;
      // A level that has only come into view has not gained.
      const gain = size - (sizeAt(first.levelsBefore, price, this.#side.inward) ?? size);
      if (gain > 0) units += gain;
    }
    return units;
  }
}

function near(layer: Layer, other: Layer | undefined, togetherNs: number): boolean {
  return other !== undefined && Math.abs(layer.ns - other.ns) <= togetherNs;
}

/** The largest group of layers that appeared within `togetherNs`. */
function placedTogether(layers: readonly Layer[], togetherNs: number): Layer[] {
  let most: Layer[] = [];
  for (const { ns } of layers) {
    const those = layers.filter((layer) => layer.ns >= ns && layer.ns - ns <= togetherNs);
    if (those.length > most.length) most = those;
  }
  return most;
}
