import type { Frame, Level } from "@tapedeck/protocol";
import type { FrameLog } from "../../playback/frame-log";
import type { PriceGrid } from "./price-grid";

export const rows = 1024;
export const slots = 4096;

/** What sizes mean as brightness. */
interface Brightness {
  /** A usual level's size. */
  readonly unit: number;
  /** Size at which it is brightest. */
  readonly most: number;
}

/**
 * The book of each frame in the log as one line of brightness by price: a ring of `slots` lines of `rows` bytes, 0 for no such
 * level. A renderer uploads or reads the lines as they are.
 */
export class DepthColumns {
  readonly bytes = new Uint8Array(rows * slots);
  grid: PriceGrid | undefined;
  #brightness: Brightness = { unit: 1, most: 10 };
  #seenRevision = -1;
  #seenAppended = 0;
  #sinceLook = 0;

  /**
   * Brings the ring up to the log's state. `written` is told each line that changed; it is called for all when the grid is new.
   */
  update(log: FrameLog, grid: PriceGrid, written: (slot: number) => void): void {
    this.#sinceLook += Math.max(0, log.appended - this.#seenAppended);
    const stale = this.#sinceLook > 240 && this.#brightnessIsOff(log);
    const afresh = grid !== this.grid || log.revision !== this.#seenRevision || stale;
    if (afresh) {
      this.grid = grid;
      this.#brightness = brightnessOf(log);
      this.#sinceLook = 0;
    }
    const have = Math.min(log.length, slots);
    const fresh = afresh ? have : Math.min(have, log.appended - this.#seenAppended);
    for (let index = log.length - fresh; index < log.length; index++) {
      const logged = log.at(index);
      if (!logged) continue;
      const slot = slotOf(log, index);
      this.#write(logged.frame, slot, grid);
      written(slot);
    }
    this.#seenRevision = log.revision;
    this.#seenAppended = log.appended;
  }

  #brightnessIsOff(log: FrameLog): boolean {
    this.#sinceLook = 0;
    const { most } = brightnessOf(log);
    return most > this.#brightness.most * 1.6 || most < this.#brightness.most / 1.6;
  }

  // HOT: for each frame that comes in.
  #write(frame: Frame, slot: number, grid: PriceGrid): void {
    const line = this.bytes.subarray(slot * rows, (slot + 1) * rows);
    line.fill(0);
    this.#writeSide(line, frame.bids, grid);
    this.#writeSide(line, frame.asks, grid);
  }

  #writeSide(line: Uint8Array, levels: readonly Level[], { base, step }: PriceGrid): void {
    const { unit, most } = this.#brightness;
    const scale = 254 / Math.log1p(most / unit);
    for (const [price, size] of levels) {
      if (size <= 0) continue;
      const row = Math.floor((price - base) / step);
      if (row < 0 || row >= rows) continue;
      const value = 1 + Math.min(254, Math.log1p(size / unit) * scale);
      if (value > (line[row] ?? 0)) line[row] = value;
    }
  }
}

/** The line of the ring that a frame of the log has. It keeps it for as long as it is in the log. */
export function slotOf(log: FrameLog, index: number): number {
  return (log.appended - log.length + index) % slots;
}

/** By a sample of the log's books. */
function brightnessOf(log: FrameLog): Brightness {
  const sizes: number[] = [];
  const every = Math.max(1, Math.floor(log.length / 60));
  for (let index = log.length - 1; index >= 0; index -= every) {
    const frame = log.at(index)?.frame;
    if (!frame) continue;
    for (const side of [frame.bids, frame.asks]) for (const [, size] of side) if (size > 0) sizes.push(size);
  }
  if (sizes.length === 0) return { unit: 1, most: 10 };
  sizes.sort((a, b) => a - b);
  const quantile = (share: number) => sizes[Math.floor((sizes.length - 1) * share)] ?? 1;
  const unit = Math.max(quantile(0.5), 1e-12);
  return { unit, most: Math.max(quantile(0.985), unit * 4) };
}
