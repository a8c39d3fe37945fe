import type { Range } from "../scenario/scenario-parameters.js";
import { exp, ln, normalQuantile } from "./exact-math.js";

/**
 * Reproducible random numbers: sfc32, initialised with a hash of a seed, a purpose and an index. So any part of a market can be drawn
 * without drawing the parts before it.
 */
export class RandomStream {
  #a: number;
  #b: number;
  #c: number;
  #count = 1;

  constructor(seed: string, purpose: string, index: number) {
    const text = `${seed}/${purpose}/${index}`;
    this.#a = hash(text, 0x9e37_79b9);
    this.#b = hash(text, 0x243f_6a88);
    this.#c = hash(text, 0xb7e1_5162);
    for (let n = 0; n < 12; n++) this.#next();
  }

  /** A stream that goes on with the same numbers. */
  copy(): RandomStream {
    const copy = new RandomStream("", "", 0);
    copy.#a = this.#a;
    copy.#b = this.#b;
    copy.#c = this.#c;
    copy.#count = this.#count;
    return copy;
  }

  /** Above 0 and below 1, of 2^32 values. */
  uniform(): number {
    return (this.#next() + 0.5) / 4_294_967_296;
  }

  chance(probability: number): boolean {
    return this.uniform() < probability;
  }

  /** An integer from 0 to `count` - 1. */
  integerBelow(count: number): number {
    return Math.floor(this.uniform() * count);
  }

  inRange({ min, max }: Range): number {
    return min + (max - min) * this.uniform();
  }

  integerInRange({ min, max }: Range): number {
    // `| 0` tells the engine that this is an integer, since `Range` fields hold fractions elsewhere.
    return (min + this.integerBelow(max - min + 1)) | 0;
  }

  normal(): number {
    return normalQuantile(this.uniform());
  }

  exponential(mean: number): number {
    return -mean * ln(this.uniform());
  }

  /** e^(sigma N) times the median. */
  logNormal(median: number, sigma: number): number {
    return median * exp(sigma * this.normal());
  }

  poisson(mean: number): number {
    let count = 0;
    for (let sum = this.exponential(1); sum < mean; sum += this.exponential(1)) count++;
    return count;
  }

  // HOT: several times per millisecond of market time.
  #next(): number {
    const t = (((this.#a + this.#b) >>> 0) + this.#count) >>> 0;
    this.#count = (this.#count + 1) >>> 0;
    this.#a = (this.#b ^ (this.#b >>> 9)) >>> 0;
    this.#b = (this.#c + (this.#c << 3)) >>> 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) >>> 0;
    this.#c = (this.#c + t) >>> 0;
    return t;
  }
}

/** 32 bits of a text (murmur3's mixing, a character at a time). */
function hash(text: string, start: number): number {
  let h = start | 0;
  for (let at = 0; at < text.length; at++) {
    let k = Math.imul(text.charCodeAt(at), 0xcc9e_2d51);
    k = (k << 15) | (k >>> 17);
    h ^= Math.imul(k, 0x1b87_3593);
    h = (h << 13) | (h >>> 19);
    h = (Math.imul(h, 5) + 0xe654_6b64) | 0;
  }
  h ^= text.length;
  h = Math.imul(h ^ (h >>> 16), 0x85eb_ca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2_ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
