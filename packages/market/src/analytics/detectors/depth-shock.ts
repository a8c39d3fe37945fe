import type { BookLevel } from "../../book/order-book.js";
import type { RaiseAlert } from "../alert-throttle.js";
import { roundedOrZero } from "../rounding.js";
import { ReturnLevel } from "../running-statistics.js";
import type { Thresholds } from "../thresholds.js";
import { levelsOf, type Side, sides } from "./book-sides.js";
import type { Detector, DetectorInput } from "./detector.js";

const checkedLevels = 10;
/** Smaller shares of a side's depth count as nothing left. */
const leastLeft = 1e-4;

interface Loss {
  /** Share of the size that was lost, 0 to 1. */
  readonly volume: number;
  /** Levels that lost more than half. */
  readonly levels: number;
}

/**
 * DEPTH_SHOCK: a side loses much of the size on its best ten levels from one frame to the next, on several levels at once. Levels
 * that the price has passed, or that are now beyond those in a frame, are ignored, so that a moving price alone is no loss. In the
 * profile `relative` the loss must also exceed its return level.
 */
export class DepthShock implements Detector {
  readonly #thresholds: Thresholds["depth"];
  readonly #watches: readonly { readonly side: Side; readonly rare: ReturnLevel }[];

  constructor(thresholds: Thresholds["depth"]) {
    this.#thresholds = thresholds;
    this.#watches = sides.map((side) => ({ side, rare: new ReturnLevel(thresholds.everyS) }));
  }

  copy(): DepthShock {
    const copy = new DepthShock(this.#thresholds);
    for (const [at, { rare }] of copy.#watches.entries()) {
      const watch = this.#watches[at];
      if (watch !== undefined) rare.setTo(watch.rare);
    }
    return copy;
  }

  detect({ moment, before, seconds, steady }: DetectorInput, raise: RaiseAlert): void {
    if (before === undefined) return;
    const { least, levels, everyS, steadyS } = this.#thresholds;
    for (const { side, rare } of this.#watches) {
      rare.advance(seconds);
      const levelsBefore = levelsOf(before, side.name);
      const levelsNow = levelsOf(moment, side.name);
      // Orders behind a price that has just moved move too: that is no loss.
      if (steady[side.name] < steadyS) continue;
      const loss = lossOf(levelsBefore, levelsNow, side);
      // On a log scale halving counts the same, however little is left.
      const depth = -Math.log(Math.max(leastLeft, 1 - loss.volume));
      if (loss.volume > least && loss.levels >= levels && (everyS === 0 || depth > rare.value)) {
        raise({
          type: "DEPTH_SHOCK",
          severity:
            loss.levels < 8 || loss.volume < 0.85 ? "low" : loss.levels < 10 || loss.volume < 0.97 ? "medium" : "high",
          message: `The ${side.name} side lost much of its depth at once`,
          fields: { side: side.label, depth_lost_pct: roundedOrZero(100 * loss.volume, 1), levels: loss.levels },
        });
      }
      rare.add(depth);
    }
  }
}

function lossOf(before: readonly BookLevel[], now: readonly BookLevel[], { inward }: Side): Loss {
  let had = 0;
  let lost = 0;
  let levels = 0;
  let at = 0;
  const best = now[0]?.[0] ?? inward * Number.POSITIVE_INFINITY;
  const farthest = now.length < 20 ? -inward * Number.POSITIVE_INFINITY : (now[now.length - 1]?.[0] ?? 0);
  for (let level = 0; level < Math.min(checkedLevels, before.length); level++) {
    const price = before[level]?.[0] ?? 0;
    const size = before[level]?.[1] ?? 0;
    if (inward * (price - best) > 0) continue;
    if (inward * (price - farthest) < 0) break;
    while (at < now.length && inward * ((now[at]?.[0] ?? 0) - price) > 0) at++;
    const left = now[at]?.[0] === price ? (now[at]?.[1] ?? 0) : 0;
    had += size;
    lost += Math.max(0, size - left);
    if (left < size / 2) levels++;
  }
  return { volume: had > 0 ? lost / had : 0, levels };
}
