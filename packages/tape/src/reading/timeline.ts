import type { TapeNs } from "@tapedeck/protocol";
import type { Gap, GapPolicy, Timeline } from "../tape.js";

/** Marked gaps longer than this are shortened when they are skipped. */
export const longestPlayedGapNs = 5_000_000_000;
/** What is left of a skipped gap. */
export const skippedGapNs = 1_000_000_000;

export function timelineOf(gaps: readonly Gap[], policy: GapPolicy): Timeline {
  const skipped = policy === "skip" ? gaps.filter((gap) => gap.toNs - gap.fromNs > longestPlayedGapNs) : [];
  return skipped.length === 0 ? unskipped : new SkippingTimeline(skipped);
}

const unskipped: Timeline = {
  playingOf: (ns) => ns,
  tapeOf: (playingNs) => Math.floor(playingNs),
};

/** Every time inside a skipped gap counts as the gap's beginning, so that a playhead put there waits the whole second. */
class SkippingTimeline implements Timeline {
  readonly #from: Float64Array;
  readonly #to: Float64Array;
  /** Playing time at which each gap begins. */
  readonly #playing: Float64Array;

  constructor(gaps: readonly Gap[]) {
    this.#from = Float64Array.from(gaps, (gap) => gap.fromNs);
    this.#to = Float64Array.from(gaps, (gap) => gap.toNs);
    let takenOut = 0;
    this.#playing = Float64Array.from(gaps, (gap) => {
      const playing = gap.fromNs - takenOut;
      takenOut += gap.toNs - gap.fromNs - skippedGapNs;
      return playing;
    });
  }

  // HOT: once per frame that is looked at.
  playingOf(ns: TapeNs): number {
    const gap = countUpTo(this.#from, ns) - 1;
    if (gap < 0) return ns;
    const to = this.#to[gap] ?? 0;
    const playing = this.#playing[gap] ?? 0;
    return ns < to ? playing : playing + skippedGapNs + (ns - to);
  }

  tapeOf(playingNs: number): TapeNs {
    const gap = countUpTo(this.#playing, playingNs) - 1;
    if (gap < 0) return Math.floor(playingNs);
    const past = playingNs - (this.#playing[gap] ?? 0) - skippedGapNs;
    return past < 0 ? (this.#from[gap] ?? 0) : Math.floor((this.#to[gap] ?? 0) + past);
  }
}

/**
 * Playing time of a tape that grows, at its end by what comes and at its beginning by what retention cuts off. Who asked for it
 * keeps it: gaps that come later count from then on, and no playing time changes when old ones go.
 */
export class GrowingTimeline implements Timeline {
  readonly #policy: GapPolicy;
  #from = new Float64Array(8);
  #to = new Float64Array(8);
  #playing = new Float64Array(8);
  #length = 0;
  /** Time that all gaps so far have taken out, and that those did which are forgotten. */
  #takenOut = 0;
  #forgotten = 0;

  constructor(policy: GapPolicy) {
    this.#policy = policy;
  }

  /** Gaps come in their order. */
  add(gap: Gap): void {
    if (this.#policy === "keep" || gap.toNs - gap.fromNs <= longestPlayedGapNs) return;
    if (this.#length === this.#from.length) {
      this.#from = doubled(this.#from);
      this.#to = doubled(this.#to);
      this.#playing = doubled(this.#playing);
    }
    this.#from[this.#length] = gap.fromNs;
    this.#to[this.#length] = gap.toNs;
    this.#playing[this.#length] = gap.fromNs - this.#takenOut;
    this.#length++;
    this.#takenOut += gap.toNs - gap.fromNs - skippedGapNs;
  }

  /** No time before this one will be asked for again. */
  forget(beforeNs: TapeNs): void {
    const gone = countUpTo(this.#to, beforeNs, this.#length);
    for (let gap = 0; gap < gone; gap++) {
      this.#forgotten += (this.#to[gap] ?? 0) - (this.#from[gap] ?? 0) - skippedGapNs;
    }
    for (const column of [this.#from, this.#to, this.#playing]) column.copyWithin(0, gone, this.#length);
    this.#length -= gone;
  }

  // HOT: once per frame that is looked at.
  playingOf(ns: TapeNs): number {
    const gap = countUpTo(this.#from, ns, this.#length) - 1;
    if (gap < 0) return ns - this.#forgotten;
    const to = this.#to[gap] ?? 0;
    const playing = this.#playing[gap] ?? 0;
    return ns < to ? playing : playing + skippedGapNs + (ns - to);
  }

  tapeOf(playingNs: number): TapeNs {
    const gap = countUpTo(this.#playing, playingNs, this.#length) - 1;
    if (gap < 0) return Math.floor(playingNs + this.#forgotten);
    const past = playingNs - (this.#playing[gap] ?? 0) - skippedGapNs;
    return past < 0 ? (this.#from[gap] ?? 0) : Math.floor((this.#to[gap] ?? 0) + past);
  }
}

function doubled(column: Float64Array): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(2 * column.length);
  larger.set(column);
  return larger;
}

/** How many of the ascending `values`, of which the first `length` count, are at most `limit`. */
export function countUpTo(values: Float64Array, limit: number, length = values.length): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((values[middle] ?? 0) <= limit) low = middle + 1;
    else high = middle;
  }
  return low;
}
