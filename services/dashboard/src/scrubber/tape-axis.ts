import type { TapeView } from "@tapedeck/client";
import { clockText, dateText, timeTicks } from "../design/format";
import type { FrameLog } from "../playback/frame-log";
import type { TimeWindow } from "../playback/viewport";

/** A gap of the tape, in ms since 1970. `toMs` is not before the first frame after the gap. */
export interface AxisGap {
  readonly fromMs: number;
  readonly toMs: number;
  readonly reason: string;
}

/** A gap that is drawn shorter than its duration. */
interface AxisBreak extends AxisGap {
  /** In CSS pixels. */
  readonly left: number;
  readonly right: number;
}

/** A part of the strip between breaks. */
interface AxisWindow {
  readonly fromMs: number;
  readonly toMs: number;
  readonly left: number;
  readonly right: number;
}

/** Maps tape time to a strip of `width` pixels. `xOf` and `msOf` are inverse, monotonic, and clamp values beyond the ends. */
export interface TapeAxis {
  readonly span: TimeWindow;
  readonly width: number;
  readonly breaks: readonly AxisBreak[];
  readonly windows: readonly AxisWindow[];
  xOf(ms: number): number;
  msOf(x: number): number;
  breakAt(x: number): AxisBreak | undefined;
}

/** In CSS pixels; less when all breaks together would take more than half of the strip. */
const breakWidth = 14;
/** When all gaps together last up to this share of the recorded time, they are drawn to scale. */
const maxGapShare = 1 / 3;

export function axisOf(span: TimeWindow, gaps: readonly AxisGap[], width: number): TapeAxis {
  const shortened = longGaps(span, gaps);
  const room = Math.min(breakWidth, width / 2 / Math.max(1, shortened.length));
  const drawnMs = shortened.reduce((sum, { fromMs, toMs }) => sum - (toMs - fromMs), span.to - span.from);
  const perMs = drawnMs > 0 ? (width - room * shortened.length) / drawnMs : 0;
  const breaks: AxisBreak[] = [];
  const windows: AxisWindow[] = [];
  let [ms, x] = [span.from, 0];
  for (const gap of shortened) {
    const left = x + (gap.fromMs - ms) * perMs;
    windows.push({ fromMs: ms, toMs: gap.fromMs, left: x, right: left });
    [ms, x] = [gap.toMs, left + room];
    breaks.push({ ...gap, left, right: x });
  }
  windows.push({ fromMs: ms, toMs: span.to, left: x, right: width });
  const stretches = windows.flatMap((window, nth) => [window, ...breaks.slice(nth, nth + 1)]);
  return {
    span,
    width,
    breaks,
    windows,
    xOf(at) {
      if (!(at > span.from)) return 0;
      const { fromMs, toMs, left, right } = stretchAt(stretches, (one) => one.toMs, at);
      return toMs > fromMs ? left + Math.min(1, (at - fromMs) / (toMs - fromMs)) * (right - left) : left;
    },
    msOf(at) {
      if (!(at > 0)) return span.from;
      const { fromMs, toMs, left, right } = stretchAt(stretches, (one) => one.right, at);
      return right > left ? fromMs + Math.min(1, (at - left) / (right - left)) * (toMs - fromMs) : fromMs;
    },
    breakAt: (at) => breaks.find(({ left, right }) => at > left && at < right),
  };
}

/** The gaps to shorten: the longest ones, until the others take only a small part of the strip. */
function longGaps({ from, to }: TimeWindow, gaps: readonly AxisGap[]): AxisGap[] {
  const within = gaps
    .map((gap) => ({ ...gap, fromMs: Math.max(from, gap.fromMs), toMs: Math.min(to, gap.toMs) }))
    .filter(({ fromMs, toMs }) => toMs > fromMs)
    .sort((a, b) => a.fromMs - b.fromMs);
  let silent = within.reduce((sum, gap) => sum + lengthOf(gap), 0);
  const recorded = to - from - silent;
  if (recorded <= 0) return [];
  let shortest = Infinity;
  for (const length of within.map(lengthOf).sort((a, b) => b - a)) {
    if (silent <= recorded * maxGapShare) break;
    silent -= length;
    shortest = length;
  }
  return within.filter((gap) => lengthOf(gap) >= shortest);
}

/** The first stretch that ends at or after `at`, else the last one. */
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

/** The time to seek to. A break has no frames, so it leads to the nearer of its ends. */
export function seekableAt(axis: TapeAxis, x: number): number {
  const within = axis.breakAt(x);
  if (within === undefined) return axis.msOf(x);
  return x - within.left < within.right - x ? within.fromMs : within.toMs;
}

/** The time that a step by `pixels` leads to. A step into a break crosses it. */
export function steppedBy(axis: TapeAxis, ms: number, pixels: number): number {
  const x = axis.xOf(ms) + pixels;
  const within = axis.breakAt(x);
  if (within === undefined) return axis.msOf(x);
  return pixels > 0 ? within.toMs : within.fromMs;
}

const parsed = new WeakMap<TapeView["gaps"], readonly AxisGap[]>();

/** The gaps of a tape, parsed once. */
export function gapsOf({ gaps }: Pick<TapeView, "gaps">): readonly AxisGap[] {
  let known = parsed.get(gaps);
  if (!known) {
    known = gaps.map(({ from, to, reason }) => ({ fromMs: Date.parse(from), toMs: msAfter(to), reason }));
    parsed.set(gaps, known);
  }
  return known;
}

/** The first whole millisecond at or after a time, so that a seek to it finds the frame of that time. */
function msAfter(iso: string): number {
  const ms = Date.parse(iso);
  return /\.\d{3}\d*[1-9]\d*Z$/.test(iso) ? ms + 1 : ms;
}

/** A simulated market has no end: the scrubber shows this much of it, and moves on in steps. */
const simulatedSpanMs = 1_800_000;
const stepMs = 900_000;

export function isSimulated(tape: Pick<TapeView, "source">): boolean {
  return tape.source === "SIMULATION";
}

/** What the scrubber shows: the whole tape, or the half hour of a simulated market that contains the playhead. */
export function tapeSpanOf(tape: TapeView | undefined, log: FrameLog): TimeWindow | undefined {
  if (!tape) return undefined;
  const [from, to] = [Date.parse(tape.from), Date.parse(tape.to)];
  if (!isSimulated(tape)) {
    const end = Math.max(to, log.last?.ms ?? 0);
    if (!tape.growing) return { from, to: end };
    // The end of a growing tape moves in steps, because each change redraws the line.
    const step = Math.max(100, (end - from) / 300);
    return { from, to: from + Math.ceil((end - from) / step) * step };
  }
  const played = (log.last?.ms ?? from) - from;
  const begin = from + Math.max(0, Math.floor((played - stepMs / 2) / stepMs)) * stepMs;
  return { from: begin, to: begin + simulatedSpanMs };
}

interface TimeLabel {
  /** Left edge of the text, in CSS pixels. */
  readonly left: number;
  readonly text: string;
}

/** In CSS pixels. */
const labelWidth = 110;
const labelGap = 8;
/** No label is this close to an end of the strip. */
const margin = 28;

/** Round times below the strip. With breaks, each window starts with its own label: as much of date and time as fits. */
export function timeLabels(axis: TapeAxis, widthOf: (text: string) => number): TimeLabel[] {
  const { span, width, breaks, windows } = axis;
  const centred = ({ ms, text }: { ms: number; text: string }) => {
    const size = widthOf(text);
    const at = axis.xOf(ms);
    return { at, left: at - size / 2, right: at + size / 2, text };
  };
  if (breaks.length === 0) {
    return timeTicks(span.from, span.to, width, labelWidth)
      .map(centred)
      .filter(({ at }) => at > margin && at < width - margin);
  }
  return windows.flatMap(({ fromMs, toMs, left, right }, nth) => {
    const [date, clock] = [dateText(fromMs), clockText(fromMs, 0)];
    const before = windows[nth - 1];
    const sameDay = before !== undefined && dateText(before.fromMs) === date;
    const forms = sameDay ? [clock] : [`${date} ${clock}`, date];
    const begin = [...forms, date.slice(5)].find((text) => widthOf(text) + labelGap <= right - left);
    const head = begin === undefined ? [] : [{ left: left + 2, text: begin }];
    const free = left + (begin === undefined ? 0 : widthOf(begin) + 2 * labelGap);
    const ticks = timeTicks(fromMs, toMs, right - left, labelWidth).map(centred);
    return [...head, ...ticks.filter((tick) => tick.left > free && tick.right < right)];
  });
}
