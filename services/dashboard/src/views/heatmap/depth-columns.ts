import type { Frame, Level } from "@tapedeck/protocol";
import type { FrameLog } from "../../playback/frame-log";
import type { PriceGrid } from "./price-grid";

export const rows = 1024;
export const slots = 4096;

/** The scale from size to brightness. */
interface Brightness {
  /** Median size of a level. */
  readonly unit: number;
  /** Size with full brightness. */
  readonly max: number;
}

/** A ring of `slots` lines of `rows` bytes: for each frame the brightness by price, 0 for no level. Renderers use the bytes as they are. */
export class DepthColumns {
  readonly bytes = new Uint8Array(rows * slots);
  grid: PriceGrid | undefined;
  #brightness: Brightness = { unit: 1, max: 10 };
  #seenRevision = -1;
  #seenAppended = 0;
  #sinceCheck = 0;

  /** Brings the ring up to date with the log. `onWritten` is called for each line that changed, and for all after a new grid. */
  update(log: FrameLog, grid: PriceGrid, onWritten: (slot: number) => void): void {
    this.#sinceCheck += Math.max(0, log.appended - this.#seenAppended);
    const stale = this.#sinceCheck > 240 && this.#brightnessIsStale(log);
    const rewrite = grid !== this.grid || log.revision !== this.#seenRevision || stale;
    if (rewrite) {
      this.grid = grid;
      this.#brightness = brightnessOf(log);
      this.#sinceCheck = 0;
    }
    const have = Math.min(log.length, slots);
    const fresh = rewrite ? have : Math.min(have, log.appended - this.#seenAppended);
    for (let index = log.length - fresh; index < log.length; index++) {
      const logged = log.at(index);
      if (!logged) continue;
      const slot = slotOf(log, index);
      this.#write(logged.frame, slot, grid);
      onWritten(slot);
    }
    this.#seenRevision = log.revision;
    this.#seenAppended = log.appended;
  }

  #brightnessIsStale(log: FrameLog): boolean {
    this.#sinceCheck = 0;
    const { max } = brightnessOf(log);
    return max > this.#brightness.max * 1.6 || max < this.#brightness.max / 1.6;
  }

  // HOT: for each frame that comes in.
  #write(frame: Frame, slot: number, grid: PriceGrid): void {
    const line = this.bytes.subarray(slot * rows, (slot + 1) * rows);
    line.fill(0);
    this.#writeSide(line, frame.bids, grid);
    this.#writeSide(line, frame.asks, grid);
  }

  #writeSide(line: Uint8Array, levels: readonly Level[], { base, step }: PriceGrid): void {
    const { unit, max } = this.#brightness;
    const scale = 254 / Math.log1p(max / unit);
    for (const [price, size] of levels) {
      if (size <= 0) continue;
      const row = Math.floor((price - base) / step);
      if (row < 0 || row >= rows) continue;
      const value = 1 + Math.min(254, Math.log1p(size / unit) * scale);
      if (value > (line[row] ?? 0)) line[row] = value;
    }
  }
}

/** The line of a frame. It stays the same for as long as the frame is in the log. */
export function slotOf(log: FrameLog, index: number): number {
  return (log.appended - log.length + index) % slots;
}

/** From a sample of the books in the log. */
function brightnessOf(log: FrameLog): Brightness {
  const sizes: number[] = [];
  const every = Math.max(1, Math.floor(log.length / 60));
  for (let index = log.length - 1; index >= 0; index -= every) {
    const frame = log.at(index)?.frame;
    if (!frame) continue;
    for (const side of [frame.bids, frame.asks]) for (const [, size] of side) if (size > 0) sizes.push(size);
  }
  if (sizes.length === 0) return { unit: 1, max: 10 };
  sizes.sort((a, b) => a - b);
  const quantile = (share: number) => sizes[Math.floor((sizes.length - 1) * share)] ?? 1;
  const unit = Math.max(quantile(0.5), 1e-12);
  return { unit, max: Math.max(quantile(0.985), unit * 4) };
}
