import { priceText, sizeText } from "../../design/format";
import type { DepthChunk } from "../../playback/depth-chunk";
import type { LoggedFrame } from "../../playback/frame-log";
import { type PriceGrid, rowOf } from "./columns/price-grid";

interface Pointed {
  readonly logged: LoggedFrame;
  readonly price: number;
  /** Price units per CSS pixel. */
  readonly perPixel: number;
  readonly decimals: number;
  readonly sizeDecimals: number;
}

type Levels = readonly (readonly [price: number, size: number])[];

/** What is under the pointer: price and size of a level; undefined if there is none. */
export function pointedLevel({ logged, price, perPixel, decimals, sizeDecimals }: Pointed): string | undefined {
  const { bids, asks } = logged.frame;
  const level = nearest([...bids, ...asks], price, perPixel);
  return level && `${priceText(level[0], decimals)} × ${sizeText(level[1], sizeDecimals)}`;
}

/** The same in a whole book; a row of several levels has their sum. Says where nothing is known. */
export function pointedDepth(pointed: Pointed, chunk: DepthChunk | undefined, grid: PriceGrid): string | undefined {
  const { logged, price, perPixel, decimals, sizeDecimals } = pointed;
  if (!chunk) return pointedLevel(pointed) ?? "not known";
  const { levels, known } = chunk.bookAt(logged.frame.seq);
  const row = rowOf(grid, price);
  const inRow = levels.filter(([at]) => rowOf(grid, at) === row);
  const [first, ...others] = inRow.length > 0 ? inRow : [nearest(levels, price, perPixel)];
  if (!first) return price < known.low || price > known.high ? "not known" : undefined;
  if (others.length === 0) return `${priceText(first[0], decimals)} × ${sizeText(first[1], sizeDecimals)}`;
  const prices = inRow.map(([at]) => at);
  const sum = inRow.reduce((total, [, size]) => total + size, 0);
  const range = `${priceText(Math.min(...prices), decimals)} – ${priceText(Math.max(...prices), decimals)}`;
  return `${range} × ${sizeText(sum, sizeDecimals)} in ${inRow.length} levels`;
}

/** The level nearest to a price, if it is within a few pixels. */
function nearest(levels: Levels, price: number, perPixel: number): Levels[number] | undefined {
  let best: Levels[number] | undefined;
  for (const level of levels) {
    if (level[1] > 0 && (!best || Math.abs(level[0] - price) < Math.abs(best[0] - price))) best = level;
  }
  return best && Math.abs(best[0] - price) <= perPixel * 4 ? best : undefined;
}
