import { type FrameLog, follows } from "../../../playback/frame-log";
import type { TimeWindow } from "../../../playback/viewport";

/** A row of the heatmap's texture covers the prices from `base + row * step` up to the next row. */
export interface PriceGrid {
  readonly base: number;
  readonly step: number;
  readonly rows: number;
}

export interface PriceSpan {
  readonly low: number;
  readonly high: number;
}

/** The row of a price, which may be outside the grid. */
export function rowOf({ base, step }: PriceGrid, price: number): number {
  return Math.floor((price - base) / step);
}

const niceFactors = [1, 2, 5, 10, 20, 25, 50, 100, 200, 250, 500];

/** The smallest round multiple of a tick that is at least `wanted`. */
export function niceStep(wanted: number, tick: number): number {
  let unit = tick;
  for (;;) {
    for (const factor of niceFactors) if (factor * unit >= wanted * 0.999) return factor * unit;
    unit *= 1000;
  }
}

/** A grid centred on the visible prices. Its spare rows above and below let the price move without a new grid. */
export function gridAround({ low, high }: PriceSpan, tick: number, visibleRows: number, rows: number): PriceGrid {
  const step = niceStep((high - low) / Math.max(8, visibleRows), tick);
  const middle = (low + high) / 2;
  return { base: Math.floor((middle - (rows / 2) * step) / step) * step - step / 2, step, rows };
}

/** Whether a grid contains the visible prices and its rows are neither too coarse nor too fine. */
export function gridFits(grid: PriceGrid, { low, high }: PriceSpan, tick: number, visibleRows: number): boolean {
  const top = grid.base + grid.rows * grid.step;
  if (low < grid.base || high > top) return false;
  const wanted = niceStep((high - low) / Math.max(8, visibleRows), tick);
  return wanted < grid.step * 2.6 && wanted > grid.step / 2.6;
}

/** Round prices for the labels of an axis, about `most` of them. */
export function roundPrices({ low, high }: PriceSpan, most: number): number[] {
  const rough = (high - low) / Math.max(1, most);
  if (!(rough > 0)) return [];
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 2.5, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power;
  const prices: number[] = [];
  for (let n = Math.ceil(low / step); n * step <= high; n++) prices.push(n * step);
  return prices;
}

const samples = 90;

/** The first frame that a window shows: the one before it, if that lasts into it. */
function firstIndexIn(log: FrameLog, from: number): number {
  const before = log.indexAt(from);
  const next = log.at(before + 1);
  const lasts = next === undefined || follows(log.at(before), next);
  return before >= 0 && lasts ? before : before + 1;
}

/** The prices to show for a time window: all mid prices in it, plus the median depth of the book above and below. */
export function pricesWithin(log: FrameLog, { from, to }: TimeWindow): PriceSpan | undefined {
  const last = log.indexAt(to);
  // Within a gap, those of the frame before it.
  const first = Math.min(firstIndexIn(log, from), Math.max(last, 0));
  if (last < first) return undefined;
  let [low, high] = [Infinity, -Infinity];
  const depths: number[] = [];
  const every = Math.max(1, Math.floor((last - first + 1) / samples));
  for (let index = last; index >= first; index -= every) {
    const frame = log.at(index)?.frame;
    if (!frame) continue;
    low = Math.min(low, frame.mid_price);
    high = Math.max(high, frame.mid_price);
    const [bottom, top] = [frame.bids.at(-1)?.[0], frame.asks.at(-1)?.[0]];
    if (bottom !== undefined && top !== undefined) depths.push((top - bottom) / 2);
  }
  depths.sort((a, b) => a - b);
  const depth = (depths[depths.length >> 1] ?? 1) * 1.04;
  return { low: low - depth, high: high + depth };
}

/** Moves the shown prices to the wanted ones without jitter: it ignores small changes and eases into larger ones. */
export class PriceFollower {
  span: PriceSpan | undefined;
  #goal: PriceSpan | undefined;

  /** Returns true while it is still moving. */
  follow(wanted: PriceSpan): boolean {
    const goal = this.#goal;
    const size = wanted.high - wanted.low;
    if (
      !goal ||
      wanted.low < goal.low - size * 0.02 ||
      wanted.high > goal.high + size * 0.02 ||
      goal.high - goal.low > size * 1.35
    ) {
      this.#goal = { low: wanted.low - size * 0.06, high: wanted.high + size * 0.06 };
    }
    const aim = this.#goal ?? wanted;
    const { span } = this;
    if (!span || Math.abs(span.low - aim.low) > 3 * size) {
      this.span = aim;
      return false;
    }
    const low = span.low + (aim.low - span.low) * 0.18;
    const high = span.high + (aim.high - span.high) * 0.18;
    const close = Math.abs(low - aim.low) + Math.abs(high - aim.high) < size * 0.002;
    this.span = close ? aim : { low, high };
    return !close;
  }

  reset(): void {
    this.span = undefined;
    this.#goal = undefined;
  }
}
