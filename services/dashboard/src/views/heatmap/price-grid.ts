/** A row of the heatmap's texture stands for the prices from `base + row * step` up to the next. */
export interface PriceGrid {
  readonly base: number;
  readonly step: number;
  readonly rows: number;
}

export interface PriceSpan {
  readonly low: number;
  readonly high: number;
}

const niceFactors = [1, 2, 5, 10, 20, 25, 50, 100, 200, 250, 500];

/** The smallest multiple of a tick, of those that people count in, that is at least `wanted`. */
export function niceStep(wanted: number, tick: number): number {
  let unit = tick;
  for (;;) {
    for (const factor of niceFactors) if (factor * unit >= wanted * 0.999) return factor * unit;
    unit *= 1000;
  }
}

/**
 * A grid about the visible prices with as much room above and below as rows allow, so that a price that wanders does not need
 * another one soon.
 */
export function gridAround({ low, high }: PriceSpan, tick: number, visibleRows: number, rows: number): PriceGrid {
  const step = niceStep((high - low) / Math.max(8, visibleRows), tick);
  const middle = (low + high) / 2;
  return { base: Math.floor((middle - (rows / 2) * step) / step) * step - step / 2, step, rows };
}

/** Whether a grid still serves: it holds the visible prices, and its rows are neither too coarse nor too fine. */
export function gridFits(grid: PriceGrid, { low, high }: PriceSpan, tick: number, visibleRows: number): boolean {
  const top = grid.base + grid.rows * grid.step;
  if (low < grid.base || high > top) return false;
  const wanted = niceStep((high - low) / Math.max(8, visibleRows), tick);
  return wanted < grid.step * 2.6 && wanted > grid.step / 2.6;
}

/** Places for labels of an axis: round numbers, about `most` of them. */
export function roundPrices({ low, high }: PriceSpan, most: number): number[] {
  const rough = (high - low) / Math.max(1, most);
  if (!(rough > 0)) return [];
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 2.5, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power;
  const prices: number[] = [];
  for (let n = Math.ceil(low / step); n * step <= high; n++) prices.push(n * step);
  return prices;
}
