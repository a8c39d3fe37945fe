import type { FrameLog } from "../../../playback/frame-log";
import { type PriceGrid, type PriceSpan, rowOf } from "./price-grid";

/** A row without a level. */
export const noLevel = 0;
/** A row that has no level that is known, and may have others. */
export const unknownDepth = 1;
const smallest = 2;

/** The scale from the size in a row to its brightness. */
export class Brightness {
  /** Median size in a row. */
  readonly unit: number;
  /** Size with full brightness. */
  readonly max: number;
  readonly #scale: number;

  /** @param sizes in rows of books, each above 0; sorts them */
  constructor(sizes: number[]) {
    sizes.sort((a, b) => a - b);
    const quantile = (share: number) => sizes[Math.floor((sizes.length - 1) * share)] ?? 1;
    this.unit = Math.max(quantile(0.5), 1e-12);
    this.max = Math.max(quantile(0.985), this.unit * 4);
    this.#scale = (255 - smallest) / Math.log1p(this.max / this.unit);
  }

  /** From `smallest` to 255, for a size above 0. */
  byteOf(size: number): number {
    return smallest + Math.min(255 - smallest, Math.log1p(Math.max(0, size) / this.unit) * this.#scale);
  }

  isFarFrom({ max }: Brightness): boolean {
    return max > this.max * 1.6 || max < this.max / 1.6;
  }
}

/** Adds levels to the sizes of rows. Levels outside the grid are left out. */
export function addLevels(
  sums: Map<number, number>,
  levels: readonly (readonly [price: number, size: number])[],
  grid: PriceGrid,
): void {
  for (const [price, size] of levels) {
    const row = rowOf(grid, price);
    if (size > 0 && row >= 0 && row < grid.rows) sums.set(row, (sums.get(row) ?? 0) + size);
  }
}

/** Sizes in the rows of a sample of frames. */
export function sizesInFrames(log: FrameLog, grid: PriceGrid): number[] {
  const sizes: number[] = [];
  const every = Math.max(1, Math.floor(log.length / 60));
  for (let index = log.length - 1; index >= 0; index -= every) {
    const frame = log.at(index)?.frame;
    if (!frame) continue;
    const sums = new Map<number, number>();
    addLevels(sums, frame.bids, grid);
    addLevels(sums, frame.asks, grid);
    sizes.push(...sums.values());
  }
  return sizes;
}

/** Sizes in the rows of a whole book, of those that are visible. */
export function sizesInBook(
  levels: readonly (readonly [price: number, size: number])[],
  grid: PriceGrid,
  { low, high }: PriceSpan,
): number[] {
  const sums = new Map<number, number>();
  addLevels(
    sums,
    levels.filter(([price]) => price >= low && price <= high),
    grid,
  );
  return [...sums.values()];
}
