import type { TapeNs } from "@tapedeck/protocol";
import { countUpTo } from "../binary-search.js";
import type { Gap, GapPolicy, Timeline } from "../tape.js";

/** Marked gaps longer than this are shortened when gaps are skipped. */
const longestPlayedGapNs = 5_000_000_000;
/** What remains of a skipped gap. */
const skippedGapNs = 1_000_000_000;

/** The timeline of a tape whose gaps are known. */
export function timelineOf(gaps: readonly Gap[], policy: GapPolicy): Timeline {
  if (policy === "keep" || !gaps.some(isSkipped)) return tapeTime;
  const timeline = new GrowingTimeline(policy);
  for (const gap of gaps) timeline.add(gap);
  return timeline;
}

const tapeTime: Timeline = {
  playingOf: (ns) => ns,
  tapeOf: (playingNs) => Math.floor(playingNs),
};

function isSkipped(gap: Gap): boolean {
  return gap.toNs - gap.fromNs > longestPlayedGapNs;
}

/**
 * The timeline of a tape that grows at its end, and whose beginning retention may cut off. It stays valid meanwhile: a new gap counts
 * from then on, and no playing time changes when old gaps are dropped. Any time inside a skipped gap counts as the gap's beginning, so
 * that a playhead put there waits the whole second.
 */
export class GrowingTimeline implements Timeline {
  readonly #policy: GapPolicy;
  #from = new Float64Array(8);
  #to = new Float64Array(8);
  /** Playing time at which each gap begins. */
  #playing = new Float64Array(8);
  #length = 0;
  /** Time that all gaps so far have taken out, and the dropped ones of them. */
  #takenOut = 0;
  #dropped = 0;

  constructor(policy: GapPolicy) {
    this.#policy = policy;
  }

  /** Gaps are added in their order. */
  add(gap: Gap): void {
    if (this.#policy === "keep" || !isSkipped(gap)) return;
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

  /** Drops the gaps before a time. Earlier times must not be asked for again. */
  dropBefore(ns: TapeNs): void {
    const count = countUpTo(this.#to, ns, this.#length);
    for (let gap = 0; gap < count; gap++) {
      this.#dropped += (this.#to[gap] ?? 0) - (this.#from[gap] ?? 0) - skippedGapNs;
    }
    for (const column of [this.#from, this.#to, this.#playing]) column.copyWithin(0, count, this.#length);
    this.#length -= count;
  }

  // HOT: once per frame that is looked at.
  playingOf(ns: TapeNs): number {
    const gap = countUpTo(this.#from, ns, this.#length) - 1;
    if (gap < 0) return ns - this.#dropped;
    const to = this.#to[gap] ?? 0;
    const playing = this.#playing[gap] ?? 0;
    return ns < to ? playing : playing + skippedGapNs + (ns - to);
  }

  tapeOf(playingNs: number): TapeNs {
    const gap = countUpTo(this.#playing, playingNs, this.#length) - 1;
    if (gap < 0) return Math.floor(playingNs + this.#dropped);
    const past = playingNs - (this.#playing[gap] ?? 0) - skippedGapNs;
    return past < 0 ? (this.#from[gap] ?? 0) : Math.floor((this.#to[gap] ?? 0) + past);
  }
}

function doubled(column: Float64Array): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(2 * column.length);
  larger.set(column);
  return larger;
}
