import type { TapeView } from "@tapedeck/client";
import type { Extent } from "./tape-range";

/** A gap of the tape, in ms since 1970. `toMs` is no earlier than the frame behind the gap. */
export interface AxisGap {
  readonly fromMs: number;
  readonly toMs: number;
  readonly reason: string;
}

/** A gap that takes less room than its length would. */
export interface AxisBreak extends AxisGap {
  /** In CSS pixels. */
  readonly left: number;
  readonly right: number;
}

/** A stretch of the strip without a break. */
export interface AxisWindow {
  readonly fromMs: number;
  readonly toMs: number;
  readonly left: number;
  readonly right: number;
}

/**
 * Where the times of a tape lie on a strip of `width` pixels. `xOf` and `msOf` are inverse to each other, never fall, and clamp what
 * lies beyond the ends.
 */
export interface TapeAxis {
  readonly extent: Extent;
  readonly width: number;
  readonly breaks: readonly AxisBreak[];
  readonly windows: readonly AxisWindow[];
  xOf(ms: number): number;
  msOf(x: number): number;
  breakAt(x: number): AxisBreak | undefined;
}

/** Room of a break in CSS pixels, unless there are so many that they would take more than half of the strip. */
const breakWidth = 14;
/** Gaps of up to this share of what was recorded, all together, are drawn as long as they are. */
const gapsOfRecorded = 1 / 3;

export function axisOf(extent: Extent, gaps: readonly AxisGap[], width: number): TapeAxis {
  const shortened = longGaps(extent, gaps);
  const room = Math.min(breakWidth, width / 2 / Math.max(1, shortened.length));
  const drawnMs = shortened.reduce((sum, { fromMs, toMs }) => sum - (toMs - fromMs), extent.to - extent.from);
  const perMs = drawnMs > 0 ? (width - room * shortened.length) / drawnMs : 0;
  const breaks: AxisBreak[] = [];
  const windows: AxisWindow[] = [];
  let [ms, x] = [extent.from, 0];
  for (const gap of shortened) {
    const left = x + (gap.fromMs - ms) * perMs;
    windows.push({ fromMs: ms, toMs: gap.fromMs, left: x, right: left });
    [ms, x] = [gap.toMs, left + room];
    breaks.push({ ...gap, left, right: x });
  }
  windows.push({ fromMs: ms, toMs: extent.to, left: x, right: width });
  const stretches = windows.flatMap((window, nth) => [window, ...breaks.slice(nth, nth + 1)]);
  return {
    extent,
    width,
    breaks,
    windows,
    xOf(at) {
      if (!(at > extent.from)) return 0;
      const { fromMs, toMs, left, right } = stretchAt(stretches, (one) => one.toMs, at);
      return toMs > fromMs ? left + Math.min(1, (at - fromMs) / (toMs - fromMs)) * (right - left) : left;
    },
    msOf(at) {
      if (!(at > 0)) return extent.from;
      const { fromMs, toMs, left, right } = stretchAt(stretches, (one) => one.right, at);
      return right > left ? fromMs + Math.min(1, (at - left) / (right - left)) * (toMs - fromMs) : fromMs;
    },
    breakAt: (at) => breaks.find(({ left, right }) => at > left && at < right),
  };
}

/** The gaps that are too long to be drawn so: the longest, until the others take but a small part of the strip. */
function longGaps({ from, to }: Extent, gaps: readonly AxisGap[]): AxisGap[] {
  const within = gaps
    .map((gap) => ({ ...gap, fromMs: Math.max(from, gap.fromMs), toMs: Math.min(to, gap.toMs) }))
    .filter(({ fromMs, toMs }) => toMs > fromMs)
    .sort((a, b) => a.fromMs - b.fromMs);
  let silent = within.reduce((sum, gap) => sum + lengthOf(gap), 0);
  const recorded = to - from - silent;
  if (recorded <= 0) return [];
  let shortest = Infinity;
  for (const length of within.map(lengthOf).sort((a, b) => b - a)) {
    if (silent <= recorded * gapsOfRecorded) break;
    silent -= length;
    shortest = length;
  }
  return within.filter((gap) => lengthOf(gap) >= shortest);
}

/** The first stretch that ends at or after a place; the last where none does. */
function stretchAt(stretches: readonly AxisWindow[], end: (stretch: AxisWindow) => number, at: number): AxisWindow {
  let [low, high] = [0, stretches.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (end(stretches[middle] ?? nowhere) >= at) high = middle;
    else low = middle + 1;
  }
  return stretches[low] ?? nowhere;
}

const nowhere: AxisWindow = { fromMs: 0, toMs: 0, left: 0, right: 0 };

function lengthOf({ fromMs, toMs }: AxisGap): number {
  return toMs - fromMs;
}

/** Where to seek for a place on the strip: there is nothing to see inside a break, so it leads to the nearer of its ends. */
export function seekableAt(axis: TapeAxis, x: number): number {
  const within = axis.breakAt(x);
  if (within === undefined) return axis.msOf(x);
  return x - within.left < within.right - x ? within.fromMs : within.toMs;
}

/** Where a step by so many pixels leads from a time: over a break as a whole. */
export function steppedBy(axis: TapeAxis, ms: number, pixels: number): number {
  const x = axis.xOf(ms) + pixels;
  const within = axis.breakAt(x);
  if (within === undefined) return axis.msOf(x);
  return pixels > 0 ? within.toMs : within.fromMs;
}

const parsed = new WeakMap<TapeView["gaps"], readonly AxisGap[]>();

/** The gaps of a tape as the axis needs them. */
export function gapsOf({ gaps }: Pick<TapeView, "gaps">): readonly AxisGap[] {
  let known = parsed.get(gaps);
  if (!known) {
    known = gaps.map(({ from, to, reason }) => ({ fromMs: Date.parse(from), toMs: msAfter(to), reason }));
    parsed.set(gaps, known);
  }
  return known;
}

/** The first whole millisecond at or after a time: what is sought there is the frame of that time. */
function msAfter(iso: string): number {
  const ms = Date.parse(iso);
  return /\.\d{3}\d*[1-9]\d*Z$/.test(iso) ? ms + 1 : ms;
}
