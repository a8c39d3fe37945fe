import type { Instrument } from "./instrument.js";
import { exp } from "./random/exact-math.js";
import { RandomStream } from "./random/random-stream.js";
import { levelsOfSegments, segmentMs } from "./segments.js";

/** A segment is halved this often: leaves of 234 ms. */
const levelsWithin = 8;
const leaves = 2 ** levelsWithin;
const leafMs = segmentMs / leaves;

/** How unevenly a stretch's variance is shared by its halves: a share of it, on stretches of many segments and within one. */
const unevenOutside = 0.25;
const unevenWithin = 0.6;

/** A stretch of the path: its log price at both ends, relative to the tape's start, and the variance in between. */
interface PathInterval {
  readonly from: number;
  readonly to: number;
  readonly variance: number;
}

/**
 * The fair price: a Brownian motion in a trading time that a multiplicative cascade makes run unevenly, after Mandelbrot,
 * Calvet and Fisher, "A multifractal model of asset returns" (1997). Both are drawn by halving: the variance of a stretch is
 * shared by its halves at random, and the price in the middle is that of a Brownian bridge. So volatility comes in clusters
 * within clusters, returns have heavy tails, and any moment of the whole tape is reached in as many steps as it has halvings,
 * without what lies before it.
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
    const liveliness = new Float64Array(leaves);
    this.#fill(this.#stretchOf(number), levelsOfSegments, number, ticks, liveliness, 0, leaves);
    return new PriceSegment(ticks, liveliness);
  }

  /** In ticks, as a segment begins. */
  at(segment: number): number {
    return this.#ticks(this.#stretchOf(segment).from);
  }

  #stretchOf(segment: number): PathInterval {
    let stretch = this.#whole();
    for (let level = 0; level < levelsOfSegments; level++) {
      const segmentsIn = 2 ** (levelsOfSegments - level);
      const [left, right] = this.#halves(stretch, level, Math.floor(segment / segmentsIn), unevenOutside);
      stretch = segment % segmentsIn < segmentsIn / 2 ? left : right;
    }
    return stretch;
  }

  #whole(): PathInterval {
    const variance = this.#leafVariance * 2 ** (levelsOfSegments + levelsWithin);
    const end = new RandomStream(this.#seed, "path's end", 0).normal() * Math.sqrt(variance);
    return { from: 0, to: end, variance };
  }

  #halves(stretch: PathInterval, level: number, index: number, uneven: number): [PathInterval, PathInterval] {
    const random = new RandomStream(this.#seed, `path ${level}`, index);
    const { from, to, variance } = stretch;
    const left = variance * (0.5 + 0.5 * uneven * (2 * random.uniform() - 1));
    const right = variance - left;
    const middle = (right * from + left * to) / variance + Math.sqrt((left * right) / variance) * random.normal();
    return [
      { from, to: middle, variance: left },
      { from: middle, to, variance: right },
    ];
  }

  #fill(
    stretch: PathInterval,
    level: number,
    index: number,
    ticks: Float64Array,
    liveliness: Float64Array,
    at: number,
    count: number,
  ): void {
    if (count === 1) {
      ticks[at] = this.#ticks(stretch.from);
      ticks[at + 1] = this.#ticks(stretch.to);
      liveliness[at] = Math.sqrt(stretch.variance / this.#leafVariance);
      return;
    }
    const [left, right] = this.#halves(stretch, level, index, unevenWithin);
    const half = count / 2;
    this.#fill(left, level + 1, index * 2, ticks, liveliness, at, half);
    this.#fill(right, level + 1, index * 2 + 1, ticks, liveliness, at + half, half);
  }

  #ticks(logPrice: number): number {
    return this.#startTicks * exp(logPrice);
  }
}

/** The fair price within one segment, in ticks, and how lively the market is: 1 on an ordinary day. */
export class PriceSegment {
  readonly #ticks: Float64Array;
  readonly #liveliness: Float64Array;

  constructor(ticks: Float64Array, liveliness: Float64Array) {
    this.#ticks = ticks;
    this.#liveliness = liveliness;
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
    for (const each of this.#liveliness) squares += each * each;
    return Math.sqrt(squares / this.#liveliness.length);
  }

  activityAt(ms: number): number {
    return this.#liveliness[Math.min(leaves - 1, Math.floor(ms / leafMs))] ?? 1;
  }
}

/** The millisecond after `ms` at which liveliness changes next. */
export function nextChangeMs(ms: number): number {
  return Math.ceil((Math.floor(ms / leafMs) + 1) * leafMs);
}
