import { clockText, dateText } from "../design/format";
import { timeTicks } from "../views/time-axis";
import type { TapeAxis } from "./tape-axis";

export interface TimeLabel {
  /** In CSS pixels, of the text's beginning. */
  readonly left: number;
  readonly text: string;
}

/** Room that a label is given at least, and what lies between two. */
const labelWidth = 110;
const between = 8;
/** No label so near to an end of the strip. */
const margin = 28;

/**
 * Round times below the strip. Where gaps are left out each window begins with a label of its own, as much of date and time as it has
 * room for.
 */
export function timeLabels(axis: TapeAxis, widthOf: (text: string) => number): TimeLabel[] {
  const { extent, width, breaks, windows } = axis;
  const centred = ({ ms, text }: { ms: number; text: string }) => {
    const size = widthOf(text);
    const at = axis.xOf(ms);
    return { at, left: at - size / 2, right: at + size / 2, text };
  };
  if (breaks.length === 0) {
    return timeTicks(extent.from, extent.to, width, labelWidth)
      .map(centred)
      .filter(({ at }) => at > margin && at < width - margin);
  }
  return windows.flatMap(({ fromMs, toMs, left, right }, nth) => {
    const [date, clock] = [dateText(fromMs), clockText(fromMs, 0)];
    const before = windows[nth - 1];
    const sameDay = before !== undefined && dateText(before.fromMs) === date;
    const forms = sameDay ? [clock] : [`${date} ${clock}`, date];
    const begin = [...forms, date.slice(5)].find((text) => widthOf(text) + between <= right - left);
    const head = begin === undefined ? [] : [{ left: left + 2, text: begin }];
    const free = left + (begin === undefined ? 0 : widthOf(begin) + 2 * between);
    const ticks = timeTicks(fromMs, toMs, right - left, labelWidth).map(centred);
    return [...head, ...ticks.filter((tick) => tick.left > free && tick.right < right)];
  });
}
