import type { Frame, Level } from "@tapedeck/protocol";
import type { BookVisitor, DepthChunk, KnownPrices } from "../../../playback/depth-chunk";
import { addLevels, type Brightness, noLevel, unknownDepth } from "./brightness";
import { type PriceGrid, rowOf } from "./price-grid";

const outside = -1;

/** The whole book as a line of the heatmap, which moves from frame to frame through a chunk: only rows that change are worked out again. */
export class BookLine implements BookVisitor {
  readonly chunk: DepthChunk;
  /** The frame whose book it is. */
  seq = -Infinity;
  readonly #grid: PriceGrid;
  readonly #brightness: Brightness;
  readonly #player: { to(seq: number): void; readonly known: KnownPrices };
  readonly #bytes: Uint8Array;
  /** By row: the size in it, and how many levels that is. */
  readonly #sums: Float64Array;
  readonly #counts: Uint16Array;
  /** By level of the chunk. */
  #sizes: number[] = [];
  readonly #rows: number[] = [];
  #changed: number[] = [];
  #allChanged = true;
  #known: KnownPrices | undefined;

  constructor(chunk: DepthChunk, grid: PriceGrid, brightness: Brightness) {
    this.chunk = chunk;
    this.#grid = grid;
    this.#brightness = brightness;
    this.#player = chunk.play(this);
    this.#bytes = new Uint8Array(grid.rows);
    this.#sums = new Float64Array(grid.rows);
    this.#counts = new Uint16Array(grid.rows);
  }

  clear(): void {
    this.#sizes = [];
    this.#sums.fill(0);
    this.#counts.fill(0);
    this.#allChanged = true;
  }

  // HOT: for each level that changes.
  set(level: number, size: number): void {
    const row = this.#rowOf(level);
    if (row === outside) return;
    const before = this.#sizes[level] ?? 0;
    this.#sizes[level] = size;
    const count = (this.#counts[row] ?? 0) + (size > 0 ? 1 : 0) - (before > 0 ? 1 : 0);
    this.#counts[row] = count;
    // Begins anew at 0, so that errors of rounding do not stay.
    this.#sums[row] = count === 0 ? 0 : (this.#sums[row] ?? 0) + size - before;
    this.#changed.push(row);
  }

  #rowOf(level: number): number {
    const known = this.#rows[level];
    if (known !== undefined) return known;
    const row = rowOf(this.#grid, this.chunk.prices[level] ?? 0);
    const found = row >= 0 && row < this.#grid.rows ? row : outside;
    this.#rows[level] = found;
    return found;
  }

  /** Moves on to a later frame. The line is valid until the next move. */
  to(seq: number): Uint8Array {
    this.seq = seq;
    this.#player.to(seq);
    if (this.#player.known !== this.#known) {
      this.#known = this.#player.known;
      this.#allChanged = true;
    }
    if (this.#allChanged) for (let row = 0; row < this.#bytes.length; row++) this.#update(row);
    else for (const row of this.#changed) this.#update(row);
    this.#allChanged = false;
    this.#changed = [];
    return this.#bytes;
  }

  #update(row: number): void {
    if ((this.#counts[row] ?? 0) > 0) this.#bytes[row] = this.#brightness.byteOf(this.#sums[row] ?? 0);
    else this.#bytes[row] = this.#isKnown(row) ? noLevel : unknownDepth;
  }

  #isKnown(row: number): boolean {
    const { base, step } = this.#grid;
    const { low, high } = this.#known ?? { low: -Infinity, high: Infinity };
    return base + (row + 1) * step > low && base + row * step < high;
  }
}

/**
 * Writes the levels of a frame into a line: between its last levels they replace what is there, which is of an earlier frame; behind them it stays.
 */
export function writeFrame(line: Uint8Array, { bids, asks }: Frame, grid: PriceGrid, brightness: Brightness): void {
  const [bottom, top] = [lastOf(bids) ?? asks[0], lastOf(asks) ?? bids[0]];
  if (bottom === undefined || top === undefined) return;
  line.fill(noLevel, Math.max(0, rowOf(grid, bottom[0])), Math.max(0, rowOf(grid, top[0]) + 1));
  const sums = new Map<number, number>();
  addLevels(sums, bids, grid);
  addLevels(sums, asks, grid);
  for (const [row, size] of sums) line[row] = brightness.byteOf(size);
}

/** Frames have empty levels where a book is thin. */
function lastOf(levels: readonly Level[]): Level | undefined {
  return levels.findLast(([, size]) => size > 0);
}
