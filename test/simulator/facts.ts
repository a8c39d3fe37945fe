import type { Tape } from "@tapedeck/tape";
import { z } from "zod";

/** The fields of a frame that the comparison uses. */
const frameShape = z.object({
  timestamp: z.string(),
  bids: z.array(z.tuple([z.number(), z.number()])),
  mid_price: z.number(),
  spread: z.number().nullable(),
  updates: z.number(),
  trades: z.array(z.object({ timestamp: z.string(), size: z.number() })),
});

/** Stylised facts of one market. */
export interface Facts {
  readonly seconds: number;
  readonly spread: Quantiles;
  /** Sum of the best five bids. */
  readonly depth5: Quantiles;
  readonly bestSize: Quantiles;
  readonly updatesPerSecond: number;
  readonly tradesPerSecond: number;
  readonly tradeSize: Quantiles;
  readonly meanTradeSize: number;
  /** Milliseconds between trades of different times. */
  readonly interArrival: Quantiles;
  /** Share of trades in the same millisecond as the one before. */
  readonly sameMoment: number;
  /** Standard deviation / mean of the times between trades: 1 if they came at random. */
  readonly burstiness: number;
  /** Of returns over one second. */
  readonly volatilityBp: number;
  readonly kurtosis: number;
  readonly still: number;
  /** Absolute returns above so many standard deviations, as shares. */
  readonly tails: readonly number[];
  /** Autocorrelation of absolute returns, and of returns, at lags of 1, 2, ... seconds. */
  readonly memory: readonly number[];
  readonly drift: readonly number[];
}

/** At 5, 25, 50, 75, 95 and 99 percent. */
export type Quantiles = readonly [number, number, number, number, number, number];

export const tailAt = [1, 2, 3, 4, 5];
export const lags = 20;

/** Facts of frames `from` to `to` of a tape. */
export async function factsOf(tape: Tape, from: number, to: number): Promise<Facts> {
  const spreads: number[] = [];
  const depths: number[] = [];
  const bests: number[] = [];
  const sizes: number[] = [];
  const tradeMs: number[] = [];
  const mids: { ms: number; mid: number }[] = [];
  let updates = 0;
  for (let seq = from; seq <= to; seq++) {
    const block = tape.block(seq) ?? (await tape.load(seq));
    const frame = frameShape.parse(JSON.parse(block.json(seq)));
    if (frame.spread !== null) spreads.push(frame.spread);
    depths.push(frame.bids.slice(0, 5).reduce((sum, [, size]) => sum + size, 0));
    bests.push(frame.bids[0]?.[1] ?? 0);
    updates += frame.updates;
    mids.push({ ms: Date.parse(frame.timestamp), mid: frame.mid_price });
    for (const trade of frame.trades) {
      sizes.push(trade.size);
      tradeMs.push(Date.parse(trade.timestamp));
    }
  }
  const seconds = ((mids.at(-1)?.ms ?? 0) - (mids[0]?.ms ?? 0)) / 1_000;
  const returns = returnsBySecond(mids);
  const deviation = Math.sqrt(mean(returns.map((value) => value * value)));
  const gaps = tradeMs.slice(1).map((ms, at) => ms - (tradeMs[at] ?? 0));
  const apart = gaps.filter((gap) => gap > 0);
  return {
    seconds,
    spread: quantiles(spreads),
    depth5: quantiles(depths),
    bestSize: quantiles(bests),
    updatesPerSecond: updates / seconds,
    tradesPerSecond: sizes.length / seconds,
    tradeSize: quantiles(sizes),
    meanTradeSize: mean(sizes),
    interArrival: quantiles(apart),
    sameMoment: 1 - apart.length / gaps.length,
    burstiness: Math.sqrt(mean(apart.map((gap) => (gap - mean(apart)) ** 2))) / mean(apart),
    volatilityBp: deviation * 1e4,
    kurtosis: mean(returns.map((value) => value ** 4)) / deviation ** 4,
    still: returns.filter((value) => value === 0).length / returns.length,
    tails: tailAt.map(
      (times) => returns.filter((value) => Math.abs(value) > times * deviation).length / returns.length,
    ),
    memory: autocorrelation(returns.map(Math.abs)),
    drift: autocorrelation(returns),
  };
}

/** Returns of the last known mid at each whole second. */
function returnsBySecond(mids: readonly { ms: number; mid: number }[]): number[] {
  const returns: number[] = [];
  let at = 0;
  let before: number | undefined;
  for (let ms = mids[0]?.ms ?? 0; ms <= (mids.at(-1)?.ms ?? 0); ms += 1_000) {
    while ((mids[at + 1]?.ms ?? Number.POSITIVE_INFINITY) <= ms) at++;
    const mid = mids[at]?.mid ?? 0;
    if (before !== undefined) returns.push(Math.log(mid / before));
    before = mid;
  }
  return returns;
}

function autocorrelation(values: readonly number[]): number[] {
  const middle = mean(values);
  const variance = mean(values.map((value) => (value - middle) ** 2));
  return Array.from({ length: lags }, (_, lag) => {
    let sum = 0;
    for (let at = 0; at + lag + 1 < values.length; at++) {
      sum += ((values[at] ?? 0) - middle) * ((values[at + lag + 1] ?? 0) - middle);
    }
    return sum / values.length / variance;
  });
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function quantiles(values: readonly number[]): Quantiles {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.floor(share * (sorted.length - 1))] ?? 0;
  return [at(0.05), at(0.25), at(0.5), at(0.75), at(0.95), at(0.99)];
}
