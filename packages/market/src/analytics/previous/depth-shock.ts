import type { BookLevel } from "../../order-book.js";
import type { Raise } from "../alerts.js";
import { levelsOf, type Side, sides } from "../detectors/levels.js";
import { RunningQuantile } from "../own-scale.js";
import type { Detector, Scene } from "../scene.js";
import { tidy } from "../tidy.js";
import type { Thresholds } from "./thresholds.js";

const levelsLookedAt = 10;

interface Loss {
  /** 0 to 1: of what lay there. */
  readonly volume: number;
  /** Levels that lost more than half. */
  readonly levels: number;
}

/**
 * DEPTH_SHOCK: a side loses much of what lay on its best ten levels from one frame to the next, on several levels at once. Levels
 * that the price has passed, or left behind beyond what a frame shows, are left out, so that a moving price alone is no
 * loss. Relative: more than nearly all losses of this instrument, too.
 */
export class DepthShock implements Detector {
  readonly #thresholds: Thresholds["depth"];
  readonly #watches = sides.map((side) => ({ side, usual: new RunningQuantile(0.99, 3_000) }));

  constructor(thresholds: Thresholds["depth"]) {
    this.#thresholds = thresholds;
  }

  look({ moment, before, steady }: Scene, raise: Raise): void {
    if (before === undefined) return;
    const { least, levels, timesUsual, steadyS } = this.#thresholds;
    for (const { side, usual } of this.#watches) {
      const levelsBefore = levelsOf(before, side.name);
      const levelsNow = levelsOf(moment, side.name);
      // Who stands behind a price that has just moved moves too: that is no loss.
      if (steady[side.name] < steadyS) continue;
      const loss = lossOf(levelsBefore, levelsNow, side);
      const unusual = timesUsual === 0 || (usual.count > 200 && loss.volume > timesUsual * usual.value);
      if (loss.volume > least && loss.levels >= levels && unusual) {
        raise({
          type: "DEPTH_SHOCK",
          severity:
            loss.levels < 8 || loss.volume < 0.85 ? "low" : loss.levels < 10 || loss.volume < 0.97 ? "medium" : "high",
          message: `The ${side.name} side lost much of its depth at once`,
          fields: { side: side.label, depth_lost_pct: tidy(100 * loss.volume, 1), levels: loss.levels },
        });
      }
      usual.note(loss.volume);
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
  for (let level = 0; level < Math.min(levelsLookedAt, before.length); level++) {
    const [price, size] = before[level] ?? [0, 0];
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
