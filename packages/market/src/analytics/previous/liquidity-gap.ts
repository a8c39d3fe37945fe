import type { FrameMoment } from "../../analytics.js";
import type { BookLevel } from "../../order-book.js";
import type { Raise } from "../alerts.js";
import { levelsOf, type Side, sides, takenAt } from "../detectors/levels.js";
import type { Detector, Scene } from "../scene.js";
import { tidy } from "../tidy.js";
import type { Thresholds } from "./thresholds.js";

const levelsLookedAt = 10;
/** Frames over which levels may vanish and still have vanished together. */
const framesBack = 4;
/** Holes of a side that are followed at once. */
const mostHoles = 6;

/**
 * LIQUIDITY_GAP: the book is empty near the best price. In the profile `absolute` that is any level of less than 50 units. Relative:
 * neighbouring levels among the best ten vanish within some tenths of a second, without being traded or passed by the price,
 * and nothing comes in their place for a while. Levels of a book come and go one by one; several side by side seldom do.
 */
export class LiquidityGap implements Detector {
  readonly #thresholds: Thresholds["gapAlert"];
  readonly #past: FrameMoment[] = [];
  readonly #watches: readonly HoleWatch[];

  constructor(thresholds: Thresholds["gapAlert"]) {
    this.#thresholds = thresholds;
    this.#watches = sides.map((side) => new HoleWatch(side, thresholds));
  }

  look({ moment, before, gaps, steady }: Scene, raise: Raise): void {
    if (this.#thresholds.anyThinLevel) {
      if (gaps.found.length > 0) raiseThin(gaps.found, raise);
      return;
    }
    if (before === undefined) {
      this.#past.length = 0;
      for (const watch of this.#watches) watch.clear();
    }
    const then = this.#past[0];
    if (then !== undefined) for (const watch of this.#watches) watch.look(moment, then, steady, raise);
    this.#past.push(moment);
    if (this.#past.length > framesBack) this.#past.shift();
  }
}

/** Prices between which there is nothing any more. */
interface Hole {
  readonly near: number;
  readonly far: number;
  readonly levels: readonly number[];
  readonly volume: number;
  readonly ns: number;
}

class HoleWatch {
  readonly #side: Side;
  readonly #thresholds: Thresholds["gapAlert"];
  #holes: Hole[] = [];

  constructor(side: Side, thresholds: Thresholds["gapAlert"]) {
    this.#side = side;
    this.#thresholds = thresholds;
  }

  clear(): void {
    this.#holes = [];
  }

  look(moment: FrameMoment, then: FrameMoment, steady: Scene["steady"], raise: Raise): void {
    const levels = levelsOf(moment, this.#side.name);
    if (this.#holes.length > 0)
      this.#holes = this.#holes.filter((hole) => this.#isOpen(hole, levels, moment.ns, raise));
    // Who stands behind a price that has just moved moves too: that is no gap.
    if (steady[this.#side.name] < this.#thresholds.steadyS) return;
    this.#find(levels, levelsOf(then, this.#side.name), moment);
  }

  #isOpen(hole: Hole, levels: readonly BookLevel[], ns: number, raise: Raise): boolean {
    const { inward, name, label } = this.#side;
    const best = levels[0]?.[0];
    if (best === undefined || inward * (best - hole.near) <= 0) return false; // the price has come to it
    for (const [price] of levels) {
      if (inward * (price - hole.near) <= 0 && inward * (price - hole.far) >= 0) return false;
    }
    if (ns - hole.ns < this.#thresholds.lastingNs) return true;
    const count = hole.levels.length;
    raise({
      type: "LIQUIDITY_GAP",
      severity: count >= 7 ? "high" : count >= 5 ? "medium" : "low",
      message: `Levels near the best ${name} are empty`,
      fields: {
        side: label,
        gap_count: count,
        affected_levels: hole.levels,
        total_gap_volume: tidy(hole.volume, 8),
        price_level: hole.near,
      },
    });
    return false;
  }

  /** Runs of levels that were there and are not, with no other level between them. */
  #find(now: readonly BookLevel[], then: readonly BookLevel[], moment: FrameMoment): void {
    const { inward } = this.#side;
    const best = now[0]?.[0];
    if (best === undefined) return;
    let at = 0;
    let behind = false;
    let run: { level: number; price: number; size: number }[] = [];
    for (let level = 0; level < Math.min(levelsLookedAt + 1, then.length); level++) {
      const [price, size] = then[level] ?? [0, 0];
      if (inward * (price - best) >= 0) continue; // passed, or the best price itself
      const runStart = at;
      while (at < now.length && inward * ((now[at]?.[0] ?? 0) - price) > 0) at++;
      if (at === now.length) break; // beyond what is shown
      const here = now[at]?.[0] === price;
      // Something new lies between this level and the one before.
      behind ||= at > 1;
      if (at > runStart && run.length > 0) {
        this.#open(run, moment);
        run = [];
      }
      // A price about to move takes along who stands next to it: only what lies behind a level that stays is a gap.
      if (!here) {
        if (behind) run.push({ level: level + 1, price, size });
      } else {
        this.#open(run, moment);
        run = [];
        behind = true;
        at++;
      }
    }
    this.#open(run, moment);
  }

  #open(run: readonly { level: number; price: number; size: number }[], moment: FrameMoment): void {
    const [first] = run;
    const last = run[run.length - 1];
    if (first === undefined || last === undefined || run.length < this.#thresholds.levels) return;
    if (this.#holes.length >= mostHoles || takenAt(moment.trades, first.price, this.#side) > 0) return;
    const { inward } = this.#side;
    // A hole that is known already has grown, or is the same one.
    const overlapping = this.#holes.find(
      (hole) => inward * (first.price - hole.far) >= 0 && inward * (last.price - hole.near) <= 0,
    );
    if (overlapping !== undefined) {
      if (overlapping.levels.length >= run.length) return;
      this.#holes.splice(this.#holes.indexOf(overlapping), 1);
    }
    this.#holes.push({
      near: first.price,
      far: last.price,
      levels: run.map(({ level }) => level),
      volume: run.reduce((sum, { size }) => sum + size, 0),
      ns: overlapping?.ns ?? moment.ns,
    });
  }
}

function raiseThin(found: Scene["gaps"]["found"], raise: Raise): void {
  const levels = [...new Set(found.map(({ level }) => level))].sort((a, b) => a - b);
  const volume = found.reduce((sum, gap) => sum + gap.volume, 0);
  raise({
    type: "LIQUIDITY_GAP",
    severity: found.length > 6 || (levels[0] ?? 0) <= 2 ? "critical" : found.length > 3 ? "high" : "medium",
    message: "Thin levels near the best price",
    fields: { gap_count: found.length, affected_levels: levels, total_gap_volume: tidy(volume, 8) },
  });
}
