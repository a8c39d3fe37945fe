import type { TapeNs } from "@tapedeck/protocol";

/**
 * Which frames of a market go out at once to a session that wants only so many a second. Nobody knows yet what comes next, so it is
 * the first frame of each cell of the grid anchor + k / maxFps that goes out, together with what the cell before it left. All
 * gateways therefore cut alike. What the market leaves behind when it falls silent goes out a cell's time later, as the message
 * of the next cell.
 */
export class EdgePace {
  /** Wall time of a cell; 0 where every frame goes out. */
  readonly cellMs: number;
  readonly #anchorNs: TapeNs;
  readonly #maxFps: number;
  /** The newest cell that has had its message. */
  #cell: number;

  /** @param shownNs time of the newest frame that is shown already */
  constructor({ anchorNs, maxFps }: { anchorNs: TapeNs; maxFps: number }, shownNs: TapeNs) {
    this.cellMs = maxFps === 0 ? 0 : 1000 / maxFps;
    this.#anchorNs = anchorNs;
    this.#maxFps = maxFps;
    this.#cell = this.#cellOf(shownNs);
  }

  /** HOT: whether a frame of this time, the newest, goes out at once. */
  admits(ns: TapeNs): boolean {
    if (this.#maxFps === 0) return true;
    const cell = this.#cellOf(ns);
    if (cell <= this.#cell) return false;
    this.#cell = cell;
    return true;
  }

  /** What was held back up to this time goes out. */
  release(ns: TapeNs): void {
    this.#cell = Math.max(this.#cell, this.#cellOf(ns) + 1);
  }

  #cellOf(ns: TapeNs): number {
    return Math.ceil(((ns - this.#anchorNs) * this.#maxFps) / 1e9);
  }
}
