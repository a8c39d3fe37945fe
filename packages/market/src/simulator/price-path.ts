import type { Instrument } from "./instrument.js";
import { exp } from "./random/exact-math.js";
import { RandomStream } from "./random/random-stream.js";
import { levelsOfSegments, segmentMs } from "./segments.js";

/** Halvings of a segment: leaves of 234 ms. */
const levelsWithin = 8;
const leaves = 2 ** levelsWithin;
const leafMs = segmentMs / leaves;

/** How unevenly the halves of an interval share its variance, for intervals of many segments and within one. */
const unevenOutside = 0.25;
const unevenWithin = 0.6;

/** An interval of the path: log prices at both ends, relative to the tape's start, and the variance between. */
interface PathInterval {
  readonly from: number;
  readonly to: number;
  readonly variance: number;
}

/**
 * The fair price: a Brownian motion in a multifractal trading time from a multiplicative cascade, after Mandelbrot, Calvet and Fisher,
 * "A multifractal model of asset returns" (1997). Both are drawn by halving: the halves of an interval share its variance at random,
 * and the price in the middle is that of a Brownian bridge. So volatility has clusters within clusters, returns have heavy tails, and
 * any time of the tape is reached in as many steps as there are halvings, without anything before it.
 */
export class PricePath {
  readonly #seed: string;
  readonly #startTicks: number;
  readonly #leafVariance: number;

  constructor(seed: string, instrument: Instrument) {
    this.#seed = seed;
    this.#startTicks = Math.round(instrument.startPrice * Number(`1e${instrument.priceDecimals}`));
    this.#leafVariance = (instrument.volatility * instrument.volatility * leafMs) / 1_000;
  }

  /** A segment's fair price. */
  segment(number: number): PriceSegment {
    const ticks = new Float64Array(leaves + 1);
    const activity = new Float64Array(leaves);
    this.#fill(this.#intervalOf(number), levelsOfSegments, number, ticks, activity, 0, leaves);
    return new PriceSegment(ticks, activity);
  }

  /** The fair price at the beginning of a segment, in ticks. */
  at(segment: number): number {
    return this.#ticks(this.#intervalOf(segment).from);
  }

  #intervalOf(segment: number): PathInterval {
    let interval = this.#whole();
    for (let level = 0; level < levelsOfSegments; level++) {
      const segmentsIn = 2 ** (levelsOfSegments - level);
      const [left, right] = this.#halves(interval, level, Math.floor(segment / segmentsIn), unevenOutside);
      interval = segment % segmentsIn < segmentsIn / 2 ? left : right;
    }
    return interval;
  }

  #whole(): PathInterval {
    const variance = this.#leafVariance * 2 ** (levelsOfSegments + levelsWithin);
    const end = new RandomStream(this.#seed, "path's end", 0).normal() * Math.sqrt(variance);
    return { from: 0, to: end, variance };
  }

  #halves(interval: PathInterval, level: number, index: number, uneven: number): [PathInterval, PathInterval] {
    const random = new RandomStream(this.#seed, `path ${level}`, index);
    const { from, to, variance } = interval;
    const left = variance * (0.5 + 0.5 * uneven * (2 * random.uniform() - 1));
    const right = variance - left;
    const middle = (right * from + left * to) / variance + Math.sqrt((left * right) / variance) * random.normal();
    return [
      { from, to: middle, variance: left },
      { from: middle, to, variance: right },
    ];
  }

  #fill(
    interval: PathInterval,
    level: number,
    index: number,
    ticks: Float64Array,
    activity: Float64Array,
    at: number,
    count: number,
  ): void {
    if (count === 1) {
      ticks[at] = this.#ticks(interval.from);
      ticks[at + 1] = this.#ticks(interval.to);
      activity[at] = Math.sqrt(interval.variance / this.#leafVariance);
      return;
    }
    const [left, right] = this.#halves(interval, level, index, unevenWithin);
    const half = count / 2;
    this.#fill(left, level + 1, index * 2, ticks, activity, at, half);
    this.#fill(right, level + 1, index * 2 + 1, ticks, activity, at + half, half);
  }

  #ticks(logPrice: number): number {
    return this.#startTicks * exp(logPrice);
  }
}

/** The fair price within one segment, in ticks, and the market's activity: 1 on an ordinary day. */
export class PriceSegment {
  readonly #ticks: Float64Array;
  readonly #activity: Float64Array;

  constructor(ticks: Float64Array, activity: Float64Array) {
    this.#ticks = ticks;
    this.#activity = activity;
  }

  // HOT: once per millisecond of market time.
  at(ms: number): number {
    const place = ms / leafMs;
    const leaf = Math.min(leaves - 1, Math.floor(place));
    const from = this.#ticks[leaf] ?? 0;
    return from + ((this.#ticks[leaf + 1] ?? 0) - from) * (place - leaf);
  }

  /** Root mean square over the segment. */
  get rmsActivity(): number {
    let squares = 0;
    for (const each of this.#activity) squares += each * each;
    return Math.sqrt(squares / this.#activity.length);
  }

  activityAt(ms: number): number {
    return this.#activity[Math.min(leaves - 1, Math.floor(ms / leafMs))] ?? 1;
  }
}

/** The next millisecond after `ms` at which activity changes. */
export function nextChangeMs(ms: number): number {
  return Math.ceil((Math.floor(ms / leafMs) + 1) * leafMs);
}
